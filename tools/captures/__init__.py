# SPDX-License-Identifier: Apache-2.0
"""What tools/make-captures is made of, in the order of the data:

    der, pki      certificates, written byte by byte, signed by the openssl command
    record        real TLS peers on loopback, what they said to each other kept as a Talk
    tls           records and messages: taking a Talk apart, and making one up
    tcp           a Talk as TCP segments, and what networks do to segments
    link, pcap    segments as frames, frames as capture files
    cases_*       the golden captures: one function a group, each with its facts
"""
