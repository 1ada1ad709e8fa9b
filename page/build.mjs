// SPDX-License-Identifier: MIT
// Bundles the page's scripts into the directory given as the first argument. The machine and the guests are put beside
// them by tools/guest/page.py.
import { build } from 'esbuild';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '../build/page'));

await mkdir(out, { recursive: true });
await build({
  entryPoints: [join(here, 'src/main.ts'), join(here, 'src/worker.ts'), join(here, 'src/main.css')],
  outdir: out,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'linked',
  logLevel: 'warning',
  // The explorer's panes are shared; what they import is taken from here.
  nodePaths: [join(here, 'node_modules')],
});
await cp(join(here, 'src/index.html'), join(out, 'index.html'));
