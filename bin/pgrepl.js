#!/usr/bin/env node
// Old syntax and the old name of the module: an older Node must get as far as the sentence below.
import module from 'module';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 19)) {
  if (module.enableCompileCache) module.enableCompileCache();
  import('../dist/main.js').then(({ main }) => main(process.argv.slice(2)), explain);
} else {
  console.error('pgrepl: needs Node.js 20.19 or newer, and this is ' + process.versions.node);
  process.exitCode = 1;
}

/** A checkout that was not built yet; everything else is not ours to explain. */
function explain(error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('/dist/main.js')) throw error;
  console.error('pgrepl: is not built yet; run: npm run build');
  process.exitCode = 1;
}
