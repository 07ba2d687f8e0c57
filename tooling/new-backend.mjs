// Makes a package for a backend of one's own: a copy of tooling/backend-template under another name. Plain JavaScript, as bootstrap.mjs is.
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const template = join(import.meta.dirname, 'backend-template');
/** What the template is called, and its function. */
const [templateName, templateFunction] = ['my-backend', 'myBackend'];

/** @param {string} text @returns {never} */
function refuse(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

const given = process.argv.slice(2);
/** Whether the other way to write one, a backend that compiles whole programs, comes with it. */
const withExample = given.includes('--example');
const [name = '', folder = name.split('/').at(-1) ?? ''] = given.filter((each) => each !== '--example');
if (!/^(@[a-z0-9][\w.-]*\/)?[a-z][a-z0-9-]*$/.test(name))
  refuse(
    `Give the name of the package, in small letters, such as: node tooling/new-backend.mjs vector-backend ../vector-backend`,
  );
/** Names that the template's own files and functions have, or that no function may have. */
const taken = ['kernels', 'index', 'erf', 'test', 'class', 'default', 'function', 'new', 'delete', 'import', 'export'];
if (taken.includes(name.split('/').at(-1) ?? '') || name.endsWith('-'))
  refuse(
    `A backend cannot be called ${name}: its file or its function would be in the way. Name it after its library.`,
  );
const target = resolve(process.env['INIT_CWD'] ?? '.', folder);
if (existsSync(target) && readdirSync(target).length > 0)
  refuse(`The folder ${target} is not empty. Name another one.`);

const file = name.split('/').at(-1) ?? name;
const camel = file.replaceAll(/-+([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../packages/core/package.json'), 'utf8'));

const leftOut = withExample ? /[\\/](node_modules|dist)$/ : /[\\/](node_modules|dist|examples|queued\.test\.ts)$/;
cpSync(template, target, { recursive: true, filter: (path) => !leftOut.test(path) });
// The example has kernels of its own, so that it goes on working while the others become the library's.
if (withExample) {
  for (const source of ['kernels.ts', 'erf.ts'])
    cpSync(join(template, 'src', source), join(target, 'examples', source));
  const example = join(target, 'examples/queued-backend.ts');
  writeFileSync(example, readFileSync(example, 'utf8').replace('../src/kernels.ts', './kernels.ts'));
}
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const text = readFileSync(path, 'utf8')
    .replaceAll('"name": "my-backend"', `"name": "${name}"`)
    .replaceAll('^0.0.0', `^${version}`)
    .replaceAll(templateFunction, camel)
    .replaceAll(templateName, file);
  writeFileSync(path, text);
  if (entry.name.includes(templateName))
    renameSync(path, join(entry.parentPath, entry.name.replace(templateName, file)));
}
process.stdout.write(
  `${target} has a backend that runs. Next, there: npm install, npm test; then make src/kernels.ts your own.\n`,
);
