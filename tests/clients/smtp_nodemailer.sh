#!/bin/bash
# nodemailer, which JavaScript sends with: a pool of connections and a thousand messages. It is
# installed into the build folder by npm when that reaches its registry.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs node npm openssl
modules=$BUILD_DIR/npm/node_modules
if ! [ -d "$modules/nodemailer" ]; then
	mkdir -p "$BUILD_DIR/npm"
	timeout 40 npm install --prefix "$BUILD_DIR/npm" --no-audit --no-fund --no-save \
		--ignore-scripts --fetch-retries=0 nodemailer@6 > "$dir/npm" 2>&1 ||
		{ tail -n 3 "$dir/npm"; echo 'SKIPPED: npm cannot install nodemailer'; exit 77; }
fi
start_daemon

cat > "$dir/send.js" <<'JS'
const nodemailer = require("nodemailer");
const [port, certificate, n] = process.argv.slice(2);
const transport = nodemailer.createTransport({
	host: "localhost", port: Number(port), pool: true, maxConnections: 20, maxMessages: Infinity,
	requireTLS: true, tls: { ca: require("fs").readFileSync(certificate) },
	auth: { user: "joe", pass: "secret" },
});
async function main() {
	await transport.verify();
	const sent = await Promise.all(Array.from({ length: Number(n) }, (_, i) =>
		transport.sendMail({
			from: "shop@example.com", to: [`user${i}@example.org`], subject: `order ${i}`,
			messageId: `<order-${i}@client.example>`, text: "one\n.\ntwo\n",
		})));
	for (const info of sent)
		if (info.accepted.length !== 1 || !/^250 2\.0\.0 Ok: queued as \d+$/.test(info.response))
			throw new Error(`this is no acceptance: ${info.response}`);
	const info = await transport.sendMail({
		from: "shop@example.com", to: ["ann@example.org", "bob@example.org"],
		envelope: { from: "shop@example.com", to: ["ann@example.org", "bob@example.org"] },
		headers: { "X-Mailsim-Id": "last" }, text: "x", attachments: [{ filename: "a.bin",
			content: Buffer.alloc(100000, 7) }],
		dsn: { id: "envid", return: "headers", notify: ["failure"], recipient: "x@example.com" },
	});
	console.log(`sent ${sent.length}, last accepted ${info.accepted.length}`);
	transport.close();
}
main().catch((error) => { console.error(error); process.exitCode = 1; });
JS
run 'a thousand through a pool of twenty' env NODE_PATH="$modules" node "$dir/send.js" "$port" \
	"$dir/cert.pem" 1000
said 'all were accepted' '^sent 1000, last accepted 2$'
logged 1000 ' queued id=order-[0-9]+@client.example seq=[0-9]+ batch=[0-9]+ from=shop@example.com to=user[0-9]+@example.org '
logged 2 ' queued id=last .* to=(ann|bob)@example.org size=1[0-9]{5}'
all_delivered 1002
n=$(grep ' queued ' "$dir/log" | sed 's/.* to=\([^ ]*\).*/\1/' | sort -u | wc -l)
if [ "$n" = 1002 ]; then
	ok 'each came once'
else
	fail "there are $n recipients instead of 1002"
fi
finish
