// SPDX-License-Identifier: MIT
// Bundles the page into the directory given as the first argument, or the repository's build/explore-web.
import { build } from 'esbuild';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, '../../../build/explore-web'));

await mkdir(out, { recursive: true });
await build({
  entryPoints: [join(here, 'src/main.ts'), join(here, 'src/style.css')],
  outdir: out,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'linked',
  logLevel: 'warning',
});
await cp(join(here, 'src/index.html'), join(out, 'index.html'));
