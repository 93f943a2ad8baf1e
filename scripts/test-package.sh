#!/usr/bin/env bash
# Packs the tarball, installs it in an empty folder, and uses the binary and the library from there.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
tarball=$(npm pack --silent --pack-destination "$work" | tail -n 1)
"$root/node_modules/.bin/publint" --strict "$work/$tarball" >/dev/null
cd "$work"
mkdir use && cd use
npm init -y >/dev/null
npm install --silent --no-audit --no-fund "$work/$tarball"
berth() { "$root/node_modules/.bin/node" node_modules/.bin/berth --state "$work/state" "$@"; }
berth --version
cat >job.yaml <<'YAML'
name: packed
run: echo packed works
resources: { cpu: 0.5, memory: 64Mi }
YAML
berth check job.yaml
berth run job.yaml --json >result.json
"$root/node_modules/.bin/node" -e '
  const d = JSON.parse(require("fs").readFileSync("result.json", "utf8"));
  if (d.status !== "succeeded") throw new Error(JSON.stringify(d));
'
berth up -d --port 0 >/dev/null
id=$(berth submit job.yaml --json | "$root/node_modules/.bin/node" -pe 'JSON.parse(require("fs").readFileSync(0, "utf8")).id')
berth wait "$id" --json >/dev/null
url=$(berth status --json | "$root/node_modules/.bin/node" -pe 'JSON.parse(require("fs").readFileSync(0, "utf8")).url')
"$root/node_modules/.bin/node" -e "
  const token = require('fs').readFileSync('$work/state/token', 'utf8').trim();
  fetch('$url/', { headers: { authorization: 'Bearer ' + token } }).then(async (r) => {
    const page = await r.text();
    if (r.status !== 200 || !page.includes('<script')) throw new Error('no web page: ' + r.status);
  });
"
berth down
"$root/node_modules/.bin/node" --input-type=module -e '
  import { parseDocument } from "berth";
  if (!parseDocument("name: a\nrun: \"true\"\n", { fileName: "a.yaml" }).ok) throw new Error("library");
'
echo 'Tests: 1 passed, 0 failed, 0 skipped'
