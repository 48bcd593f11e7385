#!/usr/bin/env node
// CommonJS: it starts sooner, and an older Node gets as far as the sentence below.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 19)) {
  start();
} else {
  console.error('pgrepl: needs Node.js 20.19 or newer, and this is ' + process.versions.node);
  process.exitCode = 1;
}

function start() {
  const { existsSync } = require('fs');
  const built = require('path').join(__dirname, '..', 'dist', 'main.cjs');
  if (existsSync(built)) {
    require(built).main(process.argv.slice(2));
  } else {
    console.error('pgrepl: is not built yet; run: npm run build');
    process.exitCode = 1;
  }
}
