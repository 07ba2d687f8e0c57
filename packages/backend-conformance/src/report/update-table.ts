import { nodeFiles, writeWhole } from './node-files.ts';
import type { ConformanceReport } from './report.ts';
import { insertTable, supportTable } from './support-table.ts';

const usage = `usage: node update-table.js [--check] [--reports conformance] [--document docs/backends/README.md]

Writes the table of all reports between the markers of the document. With --check it changes nothing, and
fails if the document is stale.
`;

/** The command line. Returns the exit code. */
export function updateTable(args: readonly string[]): number {
  const { fs, path, process } = nodeFiles();
  const option = (name: string, fallback: string): string => {
    const at = args.indexOf(name);
    return at === -1 ? fallback : (args[at + 1] ?? fallback);
  };
  if (args.includes('--help')) {
    process.stdout.write(usage);
    return 0;
  }
  const folder = option('--reports', 'conformance');
  const document = option('--document', 'docs/backends/README.md');
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
  if (names.length === 0) {
    process.stderr.write(`There is no report in ${folder}. Run the conformance tests with the reporter first.\n`);
    return 1;
  }
  const reports = names.map(
    (name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')) as ConformanceReport,
  );
  const current = fs.readFileSync(document, 'utf8');
  const wanted = insertTable(current, supportTable(reports));
  if (wanted === current) return 0;
  if (args.includes('--check')) {
    process.stderr.write(
      `The table in ${document} is stale. Write it anew (the same command without --check) and look at what changed.\n`,
    );
    return 1;
  }
  writeWhole(document, wanted);
  return 0;
}

const { process } = globalThis as { readonly process?: ReturnType<typeof nodeFiles>['process'] };
if (process?.argv[1]?.endsWith('update-table.js') === true) process.exitCode = updateTable(process.argv.slice(2));
