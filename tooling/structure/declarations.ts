import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';

/** A declaration of a built `.d.ts` file. */
export interface Declaration {
  readonly file: string;
  readonly name: string;
  /** Without comments, one space or line break between words. */
  readonly text: string;
  /** Names of types that it mentions, as the file knows them. */
  readonly mentions: ReadonlySet<string>;
}

/** What a file takes or gives under a name: a declaration of its own, or a name of another file. */
interface Elsewhere {
  readonly file: string;
  readonly name: string;
}

interface ParsedFile {
  readonly declarations: ReadonlyMap<string, Declaration>;
  readonly imports: ReadonlyMap<string, Elsewhere>;
  readonly exports: ReadonlyMap<string, Elsewhere>;
}

type Node = { readonly type: string; readonly start: number; readonly end: number } & {
  readonly [key: string]: unknown;
};

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;

/** Visits a node and all below it. */
function visit(node: Node, use: (node: Node) => void): void {
  use(node);
  for (const value of Object.values(node)) {
    for (const each of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(each)) visit(each, use);
  }
}

/** Where a type's name stands in the nodes that mention one. */
const nameFields: Readonly<Record<string, string>> = {
  TSTypeReference: 'typeName',
  TSInterfaceHeritage: 'expression',
  TSClassImplements: 'expression',
};

function mentionsOf(declaration: Node): Set<string> {
  const names = new Set<string>();
  const own = new Set<string>();
  visit(declaration, (node) => {
    if (node.type === 'TSTypeParameter') own.add((node['name'] as Node)['name'] as string);
    const name = node[nameFields[node.type] ?? (node.type.startsWith('Class') ? 'superClass' : '')];
    if (isNode(name) && name.type === 'Identifier') names.add(name['name'] as string);
  });
  return new Set([...names].filter((name) => !own.has(name)));
}

const parsed = new Map<string, ParsedFile>();

function parse(file: string): ParsedFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const source = readFileSync(file, 'utf8');
  const { program, comments, module } = parseSync(file, source);
  // Comments become blanks, so that places stay.
  let bare = source;
  for (const { start, end } of comments) bare = bare.slice(0, start) + ' '.repeat(end - start) + bare.slice(end);
  const at = (path: string): string => resolve(dirname(file), path.replace(/\.[jt]s$/, '.d.ts'));
  const declarations = new Map<string, Declaration>();
  const imports = new Map<string, Elsewhere>();
  const exports = new Map<string, Elsewhere>();
  for (const { moduleRequest, entries } of module.staticImports) {
    if (!moduleRequest.value.startsWith('.')) continue;
    for (const { localName, importName } of entries)
      imports.set(localName.value, { file: at(moduleRequest.value), name: importName.name ?? localName.value });
  }
  for (const { entries } of module.staticExports) {
    for (const { exportName, importName, localName, moduleRequest } of entries) {
      const inner = importName.name ?? localName.name;
      if (exportName.name === null || inner === null) continue;
      exports.set(
        exportName.name,
        moduleRequest === null ? { file, name: inner } : { file: at(moduleRequest.value), name: inner },
      );
    }
  }
  for (const statement of program.body as unknown as Node[]) {
    const inner = statement['declaration'];
    const declaration = statement.type.startsWith('Export') && isNode(inner) ? inner : statement;
    const list = (declaration['declarations'] as Node[] | undefined) ?? [declaration];
    for (const { id } of list as unknown as { id?: Node }[]) {
      if (!isNode(id)) continue;
      const name = id['name'] as string;
      const text = bare
        .slice(declaration.start, declaration.end)
        .replace(/^declare /, '')
        .replace(/\n\s*(?=\n)/g, '')
        .replace(/[ \t]+\n/g, '\n')
        .replace(/(?<=\S) {2,}/g, ' ');
      // An overload adds to what stands there.
      const before = declarations.get(name);
      declarations.set(name, {
        file,
        name,
        text: before === undefined ? text : `${before.text}\n${text}`,
        mentions: new Set([...(before?.mentions ?? []), ...mentionsOf(declaration)]),
      });
    }
  }
  const made = { declarations, imports, exports };
  parsed.set(file, made);
  return made;
}

/** The declaration behind a name that a file declares, imports or exports from another; undefined for a global. */
function resolveName(file: string, name: string): Declaration | undefined {
  const { declarations, imports, exports } = parse(file);
  const elsewhere = imports.get(name) ?? exports.get(name);
  if (declarations.has(name) || elsewhere === undefined) return declarations.get(name);
  return elsewhere.file === file && elsewhere.name === name ? undefined : resolveName(elsewhere.file, elsewhere.name);
}

/** What an entry gives, by public name in alphabetical order. */
export function publicDeclarations(entry: string): Map<string, Declaration> {
  const names = [...parse(entry).exports.keys()].sort();
  return new Map(
    names.map((name) => {
      const declaration = resolveName(entry, name);
      if (declaration === undefined) throw new Error(`${entry} exports ${name}, which no file declares`);
      return [name, declaration];
    }),
  );
}

/** Types of a package that its public declarations mention, but none of its entries exports. */
export function hiddenTypes(entries: readonly string[]): string[] {
  const given = new Set(entries.flatMap((entry) => [...publicDeclarations(entry).values()]));
  return [...given]
    .flatMap((declaration) =>
      [...declaration.mentions].flatMap((name) => {
        const mentioned = resolveName(declaration.file, name);
        return mentioned === undefined || given.has(mentioned) ? [] : [`${declaration.name} mentions ${name}`];
      }),
    )
    .sort();
}
