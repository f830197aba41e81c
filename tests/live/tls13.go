// SPDX-License-Identifier: Apache-2.0

// A TLS 1.3 peer in Go, for what has no libssl. No key log is written: Go's own is off.
//
//	tls13 serve ADDRESS:PORT BASE     BASE.pem, BASE.key; until it is ended
//	tls13 connect ADDRESS:PORT
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
)

func answer(conn net.Conn) {
	var request [100]byte

	conn.Read(request[:])
	conn.Close()
}

func serve(address, base string) error {
	cert, err := tls.LoadX509KeyPair(base+".pem", base+".key")
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
	listener, err := tls.Listen("tcp", address, config)
	for err == nil {
		var conn net.Conn

		if conn, err = listener.Accept(); err == nil {
			go answer(conn)
		}
	}
	return err
}

func connect(address string) error {
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	return conn.Close()
}

func main() {
	var err error

	if os.Args[1] == "serve" {
		err = serve(os.Args[2], os.Args[3])
	} else {
		err = connect(os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
