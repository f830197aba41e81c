# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the live tests share: network namespaces, certificates, servers, certtap itself, TAP lines.
# A test sources it and calls live_begin first. All that it makes is gone when it ends, however it
# ends: namespaces by name, processes by their pid, files with the scratch folder.
#
# Two namespaces, joined by a veth pair, stand for two hosts:
#   $NS_A  veth va  $IP_A  $IP6_A          $NS_B  veth vb  $IP_B  $IP6_B
# certtap sees every namespace of the host, other people's traffic too: so addresses are this
# test's own and every look at its rows names the endpoint.
set -u

: "${CERTTAP:=build/certtap}"
LIVE_DIR=$(dirname "${BASH_SOURCE[0]}")
TEST_NAME=$(basename "$0" .test)
PIDS=()
NAMESPACES=()
LIVE_PID=''
PORTS_HAD=' '
TAP_NUM=0

tap_ok() { TAP_NUM=$((TAP_NUM + 1)); echo "ok $TAP_NUM - $TEST_NAME: $1"; }
tap_not_ok() { TAP_NUM=$((TAP_NUM + 1)); echo "not ok $TAP_NUM - $TEST_NAME: $1"; note "${2:-}"; }
tap_skip() { TAP_NUM=$((TAP_NUM + 1)); echo "ok $TAP_NUM - $TEST_NAME: $1 # SKIP $2"; }
note() { [ -z "$1" ] || sed 's/^/#   /' <<< "$1"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }

# tap NAME COMMAND...: the command decides; what it printed explains a failure.
tap()
{
	local name=$1 said

	shift
	if said=$("$@" 2>&1); then tap_ok "$name"; else tap_not_ok "$name" "$said"; fi
}

# Kernels can be built, and containers started, without it.
have_ipv6() { [ "$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2> /dev/null)" = 0 ]; }
have() { command -v "$1" > /dev/null 2>&1; }

# --- beginning and end

live_begin()
{
	local x

	[ "$(id -u)" = 0 ] || skip_all 'not root'
	for x in ip ss openssl python3 nsenter setpriv pgrep; do
		have $x || skip_all "$x is missing"
	done
	T=$(dirname "$CERTTAP")/live/$TEST_NAME.$$
	mkdir -p "$T" && T=$(cd "$T" && pwd) || exit 1
	CERTTAP=$(cd "$(dirname "$CERTTAP")" && pwd)/$(basename "$CERTTAP")
	unset SSLKEYLOGFILE
	# A subnet of this test's own, in the block for benchmarks (RFC 2544), which nobody routes.
	local net=$((RANDOM % 512))
	NET=198.$((18 + net / 256)).$((net % 256))
	IP_A=$NET.1 IP_B=$NET.2
	IP6_A=$(printf 'fd00:c7a9:%x::1' $net) IP6_B=$(printf 'fd00:c7a9:%x::2' $net)
	NS_A=certtap-$$-a NS_B=certtap-$$-b
	trap live_end EXIT
	trap 'exit 130' INT TERM HUP
}

live_end()
{
	local status=$? x

	trap - EXIT
	exec 2> /dev/null        # bash tells of every process that is ended
	for x in $LIVE_PID "${PIDS[@]}"; do
		kill -CONT "$x"
		kill -KILL "$x"
	done
	wait
	for x in "${NAMESPACES[@]}"; do
		ip netns del "$x"
	done
	if [ -n "${KEEP:-}" ]; then echo "# kept: $T"; else rm -rf "$T"; fi
	[ $TAP_NUM -eq 0 ] || echo "1..$TAP_NUM"
	exit $status
}

netns_add()
{
	ip netns add "$1" && NAMESPACES+=("$1") && ip -n "$1" link set lo up
}

# Without namespaces there is nothing to test with: some containers do not allow them.
network_up()
{
	netns_add "$NS_A" 2> "$T/ip.err" && netns_add "$NS_B" 2>> "$T/ip.err" ||
		skip_all "no network namespaces: $(tr '\n' ' ' < "$T/ip.err")"
	ip -n "$NS_A" link add name va type veth peer name vb netns "$NS_B" 2> "$T/ip.err" ||
		skip_all "no veth: $(tr '\n' ' ' < "$T/ip.err")"
	ip -n "$NS_A" addr add "$IP_A/24" dev va
	ip -n "$NS_B" addr add "$IP_B/24" dev vb
	ip -n "$NS_A" addr add "$IP6_A/64" dev va nodad 2> /dev/null
	ip -n "$NS_B" addr add "$IP6_B/64" dev vb nodad 2> /dev/null
	ip -n "$NS_A" link set va up
	ip -n "$NS_B" link set vb up
}

# Runs in a namespace, or on the host itself if its name is "". Not by `ip netns exec`: that
# mounts /sys anew, and the cgroup file systems are below it.
in_ns()
{
	local ns=$1

	shift
	if [ -n "$ns" ]; then nsenter --net="/run/netns/$ns" "$@"; else "$@"; fi
}

# Runs without any capability. As the same user, so that it still finds the program.
unprivileged() { setpriv --bounding-set=-all --inh-caps=-all "$@"; }

# background NS COMMAND...: starts it there and sets LAST_PID, LAST_LOG; it ends with the test.
background()
{
	local ns=$1

	shift
	LAST_LOG=$T/process.${#PIDS[@]}.log
	if [ -n "$ns" ]; then
		nsenter --net="/run/netns/$ns" "$@" < /dev/null > "$LAST_LOG" 2>&1 &
	else
		"$@" < /dev/null > "$LAST_LOG" 2>&1 &
	fi
	LAST_PID=$!
	PIDS+=("$LAST_PID")
}

# until_true SECONDS COMMAND...: tries it every 50 ms; what it said last explains a failure.
until_true()
{
	local end=$((SECONDS + $1)) said

	shift
	until said=$("$@" 2>&1); do
		[ $SECONDS -lt $end ] || { echo "$said"; return 1; }
		sleep 0.05
	done
}

stop() { kill "$1" 2> /dev/null; wait "$1" 2> /dev/null; }

# --- certificates

sha256_of() { openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1; }

make_ca()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj "/CN=certtap live test CA" -keyout "$T/ca.key" -out "$T/ca.pem" 2> /dev/null
}

# make_cert NAME [SAN]: $T/NAME.key, $T/NAME.pem
make_cert()
{
	openssl req -x509 -CA "$T/ca.pem" -CAkey "$T/ca.key" -newkey ec \
		-pkeyopt ec_paramgen_curve:P-256 -nodes -days 20 -subj "/CN=$1.test" \
		-addext "subjectAltName=${2:-DNS:$1.test}" -addext basicConstraints=critical,CA:false \
		-keyout "$T/$1.key" -out "$T/$1.pem" 2> /dev/null
}

# --- servers. Each: NS ADDRESS CERTIFICATE [option...]; sets PORT and SERVER_PID, and returns
# when it listens.

# Below the ephemeral range, so that no client's port can be in the way; never one that this test had
# before: another certificate at the same endpoint would be a change.
free_port()
{
	while PORT=$((20000 + RANDOM % 12000)); do
		[[ $PORTS_HAD = *" $PORT "* ]] && continue
		in_ns "$1" ss -Hltn "sport = :$PORT" | grep -q . || break
	done
	PORTS_HAD+="$PORT "
}

listens() { in_ns "$1" ss -Hltn "sport = :$PORT" | grep -q .; }

started()
{
	SERVER_PID=$LAST_PID
	until_true 10 listens "$1" || { note "$2 does not listen: $(cat "$LAST_LOG")"; return 1; }
}

bracket() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

serve_openssl()
{
	local ns=$1 address=$2 cert=$3

	shift 3
	free_port "$ns"
	background "$ns" openssl s_server -accept "$(bracket "$address"):$PORT" -cert "$T/$cert.pem" \
		-key "$T/$cert.key" -www "$@"
	started "$ns" 'openssl s_server'
}

serve_nginx()
{
	local ns=$1 address=$2 cert=$3

	free_port "$ns"
	cat > "$T/nginx.$PORT.conf" <<-END
		daemon off; master_process off; pid $T/nginx.$PORT.pid; error_log $T/nginx.log;
		events {}
		http { access_log off; server { listen $(bracket "$address"):$PORT ssl;
			ssl_certificate $T/$cert.pem; ssl_certificate_key $T/$cert.key;
			ssl_protocols TLSv1.2; return 200 "x"; } }
	END
	background "$ns" "$(command -v nginx || echo /usr/sbin/nginx)" -e "$T/nginx.log" \
		-c "$T/nginx.$PORT.conf"
	started "$ns" nginx
}

# serve_gnutls NS ADDRESS CERTIFICATE [PRIORITY]: by default not TLS 1.3
serve_gnutls()
{
	free_port "$1"
	background "$1" gnutls-serv --quiet --http --disable-client-cert --port "$PORT" \
		--x509certfile "$T/$3.pem" --x509keyfile "$T/$3.key" --priority "${4:-NORMAL:-VERS-TLS1.3}"
	started "$1" gnutls-serv
}

# serve_node NS ADDRESS CERTIFICATE [VERSION]: the highest one, TLSv1.2 by default
serve_node()
{
	free_port "$1"
	background "$1" node -e 'const fs = require("fs"), [address, port, base, version] = process.argv.slice(1);
		require("https").createServer({ cert: fs.readFileSync(base + ".pem"),
			key: fs.readFileSync(base + ".key"), maxVersion: version },
			(q, r) => r.end("x")).listen(Number(port), address);' "$2" "$PORT" "$T/$3" "${4:-TLSv1.2}"
	started "$1" node
}

# serve_python NS ADDRESS CERTIFICATE [PROTOCOL]: many handshakes, or after words of that protocol.
serve_python()
{
	local ns=$1 address=$2 cert=$3

	shift 3
	free_port "$ns"
	background "$ns" python3 "$LIVE_DIR/peer.py" serve "$address" "$PORT" "$T/$cert" "$@"
	started "$ns" 'python server'
}

# --- clients. Each: NS ADDRESS [option...], to PORT.

connect_openssl()
{
	local ns=$1 address=$2

	shift 2
	in_ns "$ns" timeout 10 openssl s_client -connect "$(bracket "$address"):$PORT" "$@" \
		< /dev/null > "$T/client.log" 2>&1
}

connect_gnutls()
{
	in_ns "$1" timeout 10 gnutls-cli --insecure --port "$PORT" "$2" < /dev/null > "$T/client.log" 2>&1
}

# connect_many NS ADDRESS NUM [PROTOCOL]: one after the other, TLS 1.2
connect_many()
{
	local ns=$1 address=$2

	shift 2
	in_ns "$ns" timeout 60 python3 "$LIVE_DIR/peer.py" connect "$address" "$PORT" "$@"
}

# --- certtap

# Nothing is kept beyond a test, where the test does not name a file.
LIVE_STORE=--no-store

# live_start [-n NS] [option...]: rows in $ROWS, messages in $MESSAGES; returns when it observes.
live_start()
{
	local ns=''

	[ "${1:-}" = -n ] && { ns=$2; shift 2; }
	ROWS=$T/rows.json MESSAGES=$T/messages.txt
	: > "$ROWS"
	: > "$MESSAGES"          # what an earlier one said must not be taken for this one's word
	if [ -n "$ns" ]; then
		nsenter --net="/run/netns/$ns" "$CERTTAP" live --json $LIVE_STORE "$@" < /dev/null > "$ROWS" 2> "$MESSAGES" &
	else
		"$CERTTAP" live --json $LIVE_STORE "$@" < /dev/null > "$ROWS" 2> "$MESSAGES" &
	fi
	LIVE_PID=$!
	until_true 15 live_ready > /dev/null
	grep -q '^certtap: observing' "$MESSAGES"
}

live_ready() { grep -q '^certtap: observing' "$MESSAGES" || ! kill -0 "$LIVE_PID" 2> /dev/null; }

# works RUNG: doctor says that this way to observe works here. Otherwise prints why not.
works()
{
	[ -s "$T/doctor.txt" ] || "$CERTTAP" doctor > "$T/doctor.txt" 2>&1
	grep -qE "^$1 +works" "$T/doctor.txt" && return
	grep -A 1 "^$1 " "$T/doctor.txt" | sed -n 's/.*because: //p'
	return 1
}

# live_start_or_skip RUNG [-n NS] [option...]: observing by this rung, or nothing can be tested
# here and doctor says the same; if not, that is a failure.
live_start_or_skip()
{
	local rung=$1 why

	shift
	why=$(works "$rung") || skip_all "$rung does not work here: $why"
	live_start "$@" && grep -q "($rung)" "$MESSAGES" && return
	tap_not_ok "certtap live starts, by $rung" "$(cat "$MESSAGES")"
	exit 1
}

# live_stop [SIGNAL]: sets LIVE_STATUS
live_stop()
{
	kill "-${1:-INT}" "$LIVE_PID" 2> /dev/null
	wait "$LIVE_PID" 2> /dev/null
	LIVE_STATUS=$?
	LIVE_PID=''
}

# The monitor's first child; a later one looks at the processes of others.
worker_of() { pgrep -o -P "$1"; }

# row_wait CONDITION...: such as server.port=443; prints the row. See rows.py.
row_wait() { python3 "$LIVE_DIR/rows.py" wait "$ROWS" "${ROW_SECONDS:-8}" "$@"; }
row_count() { python3 "$LIVE_DIR/rows.py" count "$ROWS" "$@"; }

# sees NAME ADDRESS CERTIFICATE [CONDITION...]: the endpoint presented this very certificate.
sees()
{
	local name=$1 address=$2 cert=$3

	shift 3
	tap "$name" row_wait event.action=certificate-presented "server.ip=$address" \
		"server.port=$PORT" certtap.role=server \
		"certtap.chain.0.sha256=$(sha256_of "$T/$cert.pem")" "$@"
}
