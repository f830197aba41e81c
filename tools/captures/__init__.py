# SPDX-License-Identifier: Apache-2.0
"""What tools/make-captures is made of, in the order of the data:

    der, pki      certificates, written byte by byte, signed by the openssl command
    record        real TLS peers on loopback, what they said to each other kept as a Talk
    handshakes*   who talks to whom, and what is known of it beforehand
    tls, dtls     records and messages: taking a Talk apart, and making one up
    tls13, quic   the same where messages are sealed (aes), with the key log that opens them
    compressed    certificates as RFC 8879 has them
    tcp           a Talk as TCP segments, and what networks do to segments
    link, tunnels, pcap   segments and datagrams as frames, frames as capture files
    stream        captures too large to be kept
    cases_*       the golden captures: one function a group, each with its facts
"""
