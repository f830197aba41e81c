# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of --secrets share: programs that speak TLS 1.3, as servers and as clients. To be
# sourced after lib.sh.
#
# Servers, serve13_NAME NS ADDRESS CERTIFICATE [option...]: set PORT and SERVER_PID, and return when
# they listen. Clients, connect13_NAME NS ADDRESS [option...]: one connection to PORT.

# program13 NAME: the program is here; otherwise prints why not.
program13()
{
	case $1 in
	go-*) go_program "${1#go-}"; return ;;
	rustls) rust_program; return ;;
	nss) have selfserv && have tstclnt && have pk12util && return ;;
	gnutls) have gnutls-serv && have gnutls-cli && return ;;
	nginx) NGINX=$(command -v nginx || echo /usr/sbin/nginx); [ -x "$NGINX" ] && return ;;
	haproxy)
		HAPROXY=$(command -v haproxy || echo /usr/sbin/haproxy)
		[ -x "$HAPROXY" ] && return ;;
	postgres) postgres_program && return ;;
	postfix)
		POSTFIX=$(postconf -dhx daemon_directory 2> /dev/null) ||
			POSTFIX=/usr/lib/postfix/sbin
		[ -x "$POSTFIX/master" ] && return ;;
	quic) have gtlsserver && have gtlsclient && return ;;
	firefox) FIREFOX=/usr/lib/firefox-esr/firefox-esr; [ -x "$FIREFOX" ] && return ;;
	python) return ;;
	*) have "$1" && return ;;
	esac
	case $1 in
	nss) echo 'selfserv or tstclnt is missing (libnss3-tools)' ;;
	firefox) echo 'firefox-esr is not installed (260 MB)' ;;
	quic) echo 'gtlsserver or gtlsclient is missing (ngtcp2-server, ngtcp2-client)' ;;
	*) echo "$1 is not installed" ;;
	esac
	return 1
}

# --- OpenSSL under other names: a process is told by its executable

# openssl_as NAME: $T/NAME, a program of its own
openssl_as() { cp "$(command -v openssl)" "$T/$1"; }

# serve13_as NAME NS ADDRESS CERTIFICATE [option...]
serve13_as()
{
	local name=$1 ns=$2 address=$3 cert=$4

	shift 4
	free_port "$ns"
	background "$ns" "$T/$name" s_server -accept "$(bracket "$address"):$PORT" \
		-cert "$T/$cert.pem" -key "$T/$cert.key" -www "$@"
	started "$ns" "$name"
}

connect13_as()
{
	local name=$1 ns=$2 address=$3

	shift 3
	in_ns "$ns" timeout 10 "$T/$name" s_client -connect "$(bracket "$address"):$PORT" "$@" \
		< /dev/null > "$T/client.log" 2>&1
}

serve13_openssl() { serve_openssl "$@" -tls1_3; }
connect13_openssl() { connect_openssl "$@" -tls1_3; }

# --- what is linked with OpenSSL

serve13_nginx()
{
	free_port "$1"
	cat > "$T/nginx.$PORT.conf" <<-END
		daemon off; worker_processes 2; pid $T/nginx.$PORT.pid; error_log $T/nginx.log;
		events {}
		http { access_log off; server { listen $(bracket "$2"):$PORT ssl;
			ssl_certificate $T/$3.pem; ssl_certificate_key $T/$3.key;
			ssl_protocols TLSv1.3; return 200 "x"; } }
	END
	background "$1" "$NGINX" -e "$T/nginx.log" -c "$T/nginx.$PORT.conf"
	started "$1" nginx && nginx_workers
}

# They outlive a master that is killed.
nginx_workers()
{
	mapfile -t -O ${#PIDS[@]} PIDS < <(pgrep -P "$SERVER_PID")
}

# As a client: a gateway to PORT, asked once in plain HTTP.
connect13_nginx()
{
	local to=$PORT

	free_port "$1"
	cat > "$T/nginx.$PORT.conf" <<-END
		daemon off; master_process off; pid $T/nginx.$PORT.pid; error_log $T/nginx.log;
		events {}
		http { access_log off; server { listen 127.0.0.1:$PORT; location / {
			proxy_pass https://$(bracket "$2"):$to; proxy_ssl_protocols TLSv1.3; } } }
	END
	background "$1" "$NGINX" -e "$T/nginx.log" -c "$T/nginx.$PORT.conf"
	through_gateway "$1" nginx "$to"
}

serve13_haproxy()
{
	free_port "$1"
	cat "$T/$3.pem" "$T/$3.key" > "$T/$3.both.pem"
	haproxy_config > "$T/haproxy.$PORT.cfg" <<-END
		frontend f
		    bind $2:$PORT ssl crt $T/$3.both.pem ssl-min-ver TLSv1.3
		    http-request return status 200
	END
	background "$1" "$HAPROXY" -db -f "$T/haproxy.$PORT.cfg"
	started "$1" haproxy
}

haproxy_config()
{
	printf 'global\n    maxconn 50\ndefaults\n    mode http\n'
	printf '    timeout %s 5s\n' client server connect
	cat
}

connect13_haproxy()
{
	local to=$PORT

	free_port "$1"
	haproxy_config > "$T/haproxy.$PORT.cfg" <<-END
		listen l
		    bind 127.0.0.1:$PORT
		    server s $2:$to ssl verify none ssl-min-ver TLSv1.3
	END
	background "$1" "$HAPROXY" -db -f "$T/haproxy.$PORT.cfg"
	through_gateway "$1" haproxy "$to"
}

# through_gateway NS NAME PORT-BEHIND: leaves PORT as it was before
through_gateway()
{
	local gateway err=0

	started "$1" "$2" || return
	gateway=$SERVER_PID
	in_ns "$1" timeout 10 python3 - "$PORT" > "$T/client.log" 2>&1 <<-END || err=1
		import sys, urllib.request
		urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1], timeout=8).read()
	END
	PORT=$3
	stop "$gateway"
	return $err
}

connect13_curl()
{
	in_ns "$1" curl -sk --max-time 8 --tlsv1.3 -o "$T/client.log" \
		"https://$(bracket "$2"):$PORT/"
}

serve13_python()
{
	free_port "$1"
	background "$1" python3 "$LIVE_DIR/tls13.py" serve "$2" "$PORT" "$T/$3"
	started "$1" 'python server'
}

# connect13_python NS ADDRESS [NUM]
connect13_python()
{
	in_ns "$1" timeout 60 python3 "$LIVE_DIR/tls13.py" connect "$2" "$PORT" "${@:3}" \
		> "$T/client.log" 2>&1
}

serve13_node()
{
	free_port "$1"
	background "$1" node -e 'const fs = require("fs");
		const [address, port, base] = process.argv.slice(1);
		require("https").createServer({ cert: fs.readFileSync(base + ".pem"),
			key: fs.readFileSync(base + ".key"), minVersion: "TLSv1.3" },
			(q, r) => r.end("x")).listen(Number(port), address);' "$2" "$PORT" "$T/$3"
	started "$1" node
}

connect13_node()
{
	in_ns "$1" timeout 10 node -e 'const [host, port] = process.argv.slice(1);
		require("tls").connect({ host, port, rejectUnauthorized: false,
			minVersion: "TLSv1.3" }, function () { this.end(); });' "$2" "$PORT" \
		> "$T/client.log" 2>&1
}

# PostgreSQL, STARTTLS of its own. It does not run as root, nor out of a folder of root's.
postgres_program()
{
	local bin

	POSTGRES_BIN=''
	for bin in /usr/lib/postgresql/*/bin /usr/bin; do
		[ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] && POSTGRES_BIN=$bin
	done
	[ -n "$POSTGRES_BIN" ]
}

serve13_postgres()
{
	local as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

	POSTGRES_DIR=$(mktemp -d /tmp/certtap-postgres.XXXXXX) || return
	trap 'rm -rf "$POSTGRES_DIR" "${POSTFIX_DIR:-}"; live_end' EXIT
	cp "$T/$3.pem" "$T/$3.key" "$POSTGRES_DIR"
	chmod 600 "$POSTGRES_DIR/$3.key"
	chown -R 65534:65534 "$POSTGRES_DIR"
	free_port "$1"
	if ! (cd "$POSTGRES_DIR" && "${as_nobody[@]}" timeout 30 "$POSTGRES_BIN/initdb" -N -U x \
		-A trust -D data) > "$T/initdb.log" 2>&1; then
		note "initdb: $(tail -n 3 "$T/initdb.log")"
		return 1
	fi
	background "$1" "${as_nobody[@]}" "$POSTGRES_BIN/postgres" \
		-D "$POSTGRES_DIR/data" -h "$2" -p "$PORT" -k '' -c fsync=off -c ssl=on \
		-c ssl_cert_file="$POSTGRES_DIR/$3.pem" -c ssl_key_file="$POSTGRES_DIR/$3.key"
	started "$1" postgres
}

# Postfix, STARTTLS of SMTP. Its parts run as a user of its own, each in a process of its own.
serve13_postfix()
{
	local dir

	POSTFIX_DIR=$(mktemp -d /tmp/certtap-postfix.XXXXXX) || return
	dir=$POSTFIX_DIR
	trap 'rm -rf "$POSTFIX_DIR" "${POSTGRES_DIR:-}"; live_end' EXIT
	chmod 755 "$dir"
	mkdir "$dir/queue" "$dir/queue/pid" "$dir/queue/private" "$dir/queue/public" "$dir/data"
	chown postfix "$dir/queue/private" "$dir/queue/public" "$dir/data"
	cp "$T/$3.pem" "$T/$3.key" "$dir"
	free_port "$1"
	cat > "$dir/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $dir/queue
		data_directory = $dir/data
		daemon_directory = $POSTFIX
		inet_interfaces = $2
		inet_protocols = ipv4
		myhostname = postfix.test
		alias_maps =
		local_recipient_maps =
		smtpd_tls_security_level = may
		smtpd_tls_cert_file = $dir/$3.pem
		smtpd_tls_key_file = $dir/$3.key
		smtpd_tls_protocols = >=TLSv1.3
	END
	cat > "$dir/master.cf" <<-END
		$2:$PORT inet n - n - - smtpd
		tlsmgr unix - - n 1000? 1 tlsmgr
		rewrite unix - - n - - trivial-rewrite
		anvil unix - - n - 1 anvil
	END
	background "$1" "$POSTFIX/master" -c "$dir" -d
	started "$1" postfix
}

# --- other libraries

TLS13_ONLY=NORMAL:-VERS-ALL:+VERS-TLS1.3

# serve13_gnutls NS ADDRESS CERTIFICATE [PRIORITY]
serve13_gnutls()
{
	free_port "$1"
	background "$1" gnutls-serv --quiet --http --disable-client-cert --port "$PORT" \
		--x509certfile "$T/$3.pem" --x509keyfile "$T/$3.key" --priority "${4:-$TLS13_ONLY}"
	started "$1" gnutls-serv
}

connect13_gnutls()
{
	in_ns "$1" timeout 10 gnutls-cli --insecure --port "$PORT" \
		--priority "${3:-$TLS13_ONLY}" "$2" < /dev/null > "$T/client.log" 2>&1
}

# nss_database [CERTIFICATE]: $T/nss.CERTIFICATE
nss_database()
{
	local dir=$T/nss.${1:-none}

	mkdir -p "$dir"
	certutil -N -d "sql:$dir" --empty-password || return
	[ $# -gt 0 ] || return 0
	openssl pkcs12 -export -inkey "$T/$1.key" -in "$T/$1.pem" -name "$1" -passout pass:x \
		-out "$dir/in.p12" && pk12util -i "$dir/in.p12" -d "sql:$dir" -W x
}

serve13_nss()
{
	nss_database "$3" > "$T/nss.log" 2>&1 || { note "$(tail -n 3 "$T/nss.log")"; return 1; }
	free_port "$1"
	background "$1" selfserv -d "sql:$T/nss.$3" -n "$3" -p "$PORT" -V tls1.3:tls1.3
	started "$1" selfserv
}

connect13_nss()
{
	[ -d "$T/nss.none" ] || nss_database > "$T/nss.log" 2>&1 || return
	in_ns "$1" timeout 10 tstclnt -d "sql:$T/nss.none" -h "$2" -p "$PORT" -o -Q \
		-V tls1.3:tls1.3 < /dev/null > "$T/client.log" 2>&1
}

# Firefox does not end by itself: it is ended when its secret has opened the connection.
connect13_firefox()
{
	local firefox

	mkdir -p "$T/firefox"
	background "$1" env HOME="$T/firefox" MOZ_CRASHREPORTER_DISABLE=1 "$FIREFOX" --headless \
		--no-remote --profile "$T/firefox" "https://$(bracket "$2"):$PORT/"
	firefox=$LAST_PID
	ROW_SECONDS=20 row_wait "server.port=$PORT" certtap.witness=secret > "$T/client.log" 2>&1
	stop "$firefox"
}

# go_program plain|stripped|pie: built once, beside certtap
go_program()
{
	local dir how=()

	dir=$(dirname "$CERTTAP")/live/go
	GO_PROGRAM=$dir/go-$1
	have go || { echo 'go is not installed (golang-go, 450 MB)'; return 1; }
	case $1 in
	stripped) how=('-ldflags=-s -w') ;;
	pie) how=(-buildmode=pie) ;;
	esac
	[ "$GO_PROGRAM" -nt "$LIVE_DIR/tls13.go" ] && return
	CGO_ENABLED=0 GOCACHE=$dir/cache GOFLAGS='' timeout 120 go build "${how[@]}" \
		-o "$GO_PROGRAM" "$LIVE_DIR/tls13.go" > "$T/go.log" 2>&1 ||
		{ echo "go does not build: $(tail -n 1 "$T/go.log")"; return 1; }
}

serve13_go()
{
	free_port "$1"
	background "$1" "$GO_PROGRAM" serve "$(bracket "$2"):$PORT" "$T/$3"
	started "$1" "$GO_PROGRAM"
}

connect13_go()
{
	in_ns "$1" timeout 10 "$GO_PROGRAM" connect "$(bracket "$2"):$PORT" > "$T/client.log" 2>&1
}

# rust_program: built once, beside certtap, from what Debian packages of Rust's libraries
rust_program()
{
	local dir crates=/usr/share/cargo/registry

	dir=$(realpath "$(dirname "$CERTTAP")")/live/rust
	RUST_PROGRAM=$dir/target/release/rustls-peer
	if ! have cargo || ! compgen -G "$crates/rustls-0.20.*" > /dev/null; then
		echo 'cargo or rustls 0.20 is not installed (cargo, librust-rustls-dev, 500 MB)'
		return 1
	fi
	[ "$RUST_PROGRAM" -nt "$LIVE_DIR/tls13.rs" ] && return
	mkdir -p "$dir/.cargo"
	cat > "$dir/.cargo/config.toml" <<-END
		[source.crates-io]
		replace-with = "packaged"
		[source.packaged]
		directory = "$crates"
	END
	cat > "$dir/Cargo.toml" <<-END
		[package]
		name = "rustls-peer"
		version = "0.0.0"
		edition = "2021"
		[[bin]]
		name = "rustls-peer"
		path = "$(realpath "$LIVE_DIR")/tls13.rs"
		[dependencies]
		rustls = { version = "0.20", features = ["dangerous_configuration"] }
	END
	(cd "$dir" && CARGO_HOME=$dir/home timeout 150 cargo build --release --offline) \
		> "$T/rust.log" 2>&1 ||
		{ echo "cargo does not build: $(tail -n 1 "$T/rust.log")"; return 1; }
}

serve13_rustls()
{
	openssl x509 -in "$T/$3.pem" -outform DER -out "$T/$3.cert.der"
	openssl pkcs8 -topk8 -nocrypt -in "$T/$3.key" -outform DER -out "$T/$3.key.der"
	free_port "$1"
	background "$1" "$RUST_PROGRAM" serve "$(bracket "$2"):$PORT" "$T/$3"
	started "$1" "$RUST_PROGRAM"
}

connect13_rustls()
{
	in_ns "$1" timeout 10 "$RUST_PROGRAM" connect "$(bracket "$2"):$PORT" > "$T/client.log" 2>&1
}

# A server that makes a process for each connection, under a name of its own; forker: it is here.
forker()
{
	local python

	python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))') &&
		cp "$python" "$T/forker" &&
		PYTHONHOME=$(python3 -c 'import sys; print(sys.base_prefix)') &&
		PYTHONHOME=$PYTHONHOME "$T/forker" -c 'import ssl, socket'
}

serve13_forker()
{
	free_port "$1"
	background "$1" env PYTHONHOME="$PYTHONHOME" "$T/forker" "$LIVE_DIR/tls13.py" fork "$2" \
		"$PORT" "$T/$3"
	started "$1" forker
}

# --- QUIC; it does not listen as TCP does, so its start is waited for by its socket

serve13_quic()
{
	free_port "$1"
	background "$1" gtlsserver -q "$2" "$PORT" "$T/$3.key" "$T/$3.pem"
	SERVER_PID=$LAST_PID
	until_true 10 sh -c "nsenter --net=/run/netns/$1 ss -Hlun 'sport = :$PORT' | grep -q ."
}

connect13_quic()
{
	in_ns "$1" timeout 10 gtlsclient -q --exit-on-all-streams-close --timeout=3s "$2" "$PORT" \
		"https://quic.test/" > "$T/client.log" 2>&1
}

# --- roots of file systems

# root_with NAME: $T/root.NAME, a chroot with OpenSSL as bin/NAME and copies of its libraries
root_with()
{
	local root=$T/root.$1 file

	mkdir -p "$root/bin" "$root/dev" "$root/$T"
	cp "$(command -v openssl)" "$root/bin/$1"
	for file in $(ldd "$(command -v openssl)" | grep -o '/[^ ]*'); do
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done
	cp "$T"/*.pem "$T"/*.key "$root/$T"
}
