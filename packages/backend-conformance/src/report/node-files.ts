/** What the reporter and the table need of `node:fs` and `node:path`. */
export interface NodeFiles {
  readonly fs: {
    mkdirSync(path: string, options: { readonly recursive: true }): unknown;
    readdirSync(path: string): string[];
    readFileSync(path: string, encoding: 'utf8'): string;
    renameSync(from: string, to: string): void;
    writeFileSync(path: string, data: string): void;
  };
  readonly path: { join(...parts: readonly string[]): string };
  readonly process: NodeProcess;
}

interface NodeProcess {
  readonly argv: readonly string[];
  readonly pid: number;
  exitCode?: number | string | null | undefined;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  getBuiltinModule(id: string): unknown;
}

/**
 * Node's files, asked for when they are needed and not imported: the package is bundled for browsers too, where the
 * suite runs and the reporter does not.
 */
export function nodeFiles(): NodeFiles {
  const { process } = globalThis as unknown as { readonly process: NodeProcess };
  return {
    fs: process.getBuiltinModule('node:fs') as NodeFiles['fs'],
    path: process.getBuiltinModule('node:path') as NodeFiles['path'],
    process,
  };
}

/** Writes a file so that nobody ever reads half of it. */
export function writeWhole(path: string, text: string): void {
  const { fs, process } = nodeFiles();
  const temporary = `${path}.${process.pid}.tmp`;
  fs.writeFileSync(temporary, text);
  fs.renameSync(temporary, path);
}
