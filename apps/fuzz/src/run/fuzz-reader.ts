import { inputMaker } from './make-input.ts';
import { loadReader } from '../readers/readers.ts';
import { causeOf } from './finding.ts';
import { runInputs } from './run-inputs.ts';
import { writeFinding, type KeptFinding } from './write-finding.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly first: number;
  readonly inputs: number;
  /** Folder for inputs that were not read as they must be. */
  readonly out: string;
  readonly onProgress?: (done: number) => void;
}

/** What came of the inputs of a reader. */
export interface FuzzResult {
  readonly reader: string;
  readonly seed: number;
  readonly first: number;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  /** One of each cause. */
  readonly findings: readonly (KeptFinding & { readonly file: string })[];
}

/** Causes of which an input is kept; where there are more, the reader is beyond being told them one by one. */
const mostCauses = 25;

/** Runs changed files through a reader; of the findings of one cause the first is written. */
export async function fuzzReader(name: string, options: FuzzOptions): Promise<FuzzResult> {
  const { seed, first, inputs, out, onProgress } = options;
  const began = performance.now();
  const counts = { accepted: 0, refused: 0 };
  const kept = new Map<string, KeptFinding>();
  await runInputs(
    { reader: name, seed, first, end: first + inputs },
    counts,
    ({ index, finding }) => {
      const cause = causeOf(finding);
      const known = kept.get(cause);
      if (known === undefined && kept.size === mostCauses) return;
      if (known === undefined) kept.set(cause, { reader: name, seed, index, ...finding, times: 1 });
      else known.times++;
    },
    (index) => onProgress?.(index - first),
  );
  const findings: FuzzResult['findings'][number][] = [];
  if (kept.size > 0) {
    const make = inputMaker(await loadReader(name), seed);
    for (const finding of kept.values())
      findings.push({ ...finding, file: await writeFinding(out, finding, make(finding.index)) });
  }
  const seconds = (performance.now() - began) / 1000;
  return { reader: name, seed, first, inputs, ...counts, seconds, findings };
}
