import { join } from 'node:path';
import { tokensFromReader, type TokenReader } from '@ddcl/core/fit';
import {
  fitQuantizer,
  resolveSpec,
  stateToBytes,
  type CodeReport,
  type FitQuantizerOptions,
  type FitRecord,
  type QuantizerSpec,
} from '@ddcl/vq';
import type { ChosenBackend } from '../backends/choose-backend.ts';
import { configFormatVersion, modelFiles, type ModelConfig } from '../model-folder/model-folder.ts';
import { short } from '../measures/measures.ts';
import type { Progress } from '../output/progress.ts';
import { version } from '../output/version.ts';
import { writeWhole } from '../output/write-file.ts';
import { bytesPerVector, codesOf } from './codes-file.ts';

/** A fit of a quantizer, from vectors that are open already to files in a folder. */
export interface QuantizerRun {
  readonly backend: ChosenBackend;
  readonly reader: TokenReader;
  readonly spec: QuantizerSpec;
  readonly options: Pick<FitQuantizerOptions, 'steps' | 'batch' | 'seed' | 'sample'>;
  readonly config: Pick<ModelConfig, 'command' | 'data' | 'text' | 'preprocessing'>;
  readonly out: string;
  readonly title: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly warn: (warnings: readonly string[]) => void;
  /** Since the command began. */
  readonly seconds: () => number;
}

/** What `ddcl vq fit --json` prints; docs/cli.md explains each key. */
export interface QuantizerMeasures extends Omit<CodeReport, 'places'> {
  readonly backend: string;
  readonly vectors: number;
  readonly dimension: number;
  readonly codes: number;
  readonly heads: number;
  readonly depth: number;
  readonly bytesPerVector: number;
  /** `1 - quantization / variance`; null where all vectors are equal. */
  readonly explainedVariance: number | null;
  readonly seconds: number;
}

/** Fits, then writes `history.jsonl`, `report.html`, `config.json` and last `quantizer.safetensors`, with which the folder is whole. */
export async function fitFolder(run: QuantizerRun): Promise<QuantizerMeasures> {
  const { backend, reader, spec, options, out, progress, signal } = run;
  const resolved = resolveSpec(spec);
  const history: FitRecord[] = [];
  const warnings: string[] = [];
  const { state, report } = await fitQuantizer(backend.backend, tokensFromReader(reader), spec, {
    ...options,
    signal,
    onProgress: (done) => progress.show({ phase: 'fitting', done: Math.floor(100 * done), total: 100, unit: 'parts' }),
    onWarning: (warning) => void warnings.push(warning),
    onRecord: (record) => void history.push(record),
  });
  progress.stop();
  const { places, ...figures } = report;
  const measures: QuantizerMeasures = {
    backend: backend.backend.name,
    vectors: reader.tokens,
    dimension: resolved.dimension,
    codes: resolved.codes,
    heads: resolved.heads,
    depth: resolved.depth,
    bytesPerVector: bytesPerVector(codesOf(resolved)),
    ...figures,
    explainedVariance: report.variance > 0 ? 1 - report.quantization / report.variance : null,
    seconds: run.seconds(),
  };
  const { seconds: _seconds, ...stored } = measures;
  const { steps, batch, seed } = options;
  const settings = { ...resolved, levels: resolved.levels.join(',') || null };
  const config: ModelConfig = {
    format: 'ddcl.config',
    formatVersion: configFormatVersion,
    ...run.config,
    fit: { ...settings, steps: steps ?? null, batch: batch ?? null, seed: seed ?? 0, backend: backend.backend.name },
    measures: { ...stored },
    versions: { ddcl: version, node: process.version },
  };
  // The plotting library takes half a second to load.
  const { renderQuantizer } = await import('../report/quantizer-report.ts');
  const page = renderQuantizer({
    title: run.title,
    about: formatQuantizer(measures),
    report,
    history,
    warnings,
    settings: spec,
    command: config.command,
    versions: config.versions,
  });
  await writeWhole(
    join(out, modelFiles.history),
    [...history, ...places].map((record) => `${JSON.stringify(record)}\n`).join(''),
  );
  await writeWhole(join(out, modelFiles.report), page);
  await writeWhole(join(out, modelFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  await writeWhole(join(out, modelFiles.quantizer), stateToBytes(state));
  run.warn(warnings);
  return measures;
}

/** Names and values of the measures for people. */
export function formatQuantizer(measures: QuantizerMeasures): [string, string][] {
  const { heads, depth, soft, levelErrors } = measures;
  const explained = measures.explainedVariance;
  return [
    ['vectors', `${measures.vectors} of dimension ${measures.dimension}, backend ${measures.backend}`],
    [
      'codes',
      `${measures.codes} in ${heads === 1 ? '1 group' : `${heads} groups`}${depth === 1 ? '' : ` of ${depth} levels`}: ${measures.bytesPerVector} bytes a vector`,
    ],
    [
      'error',
      `${short(measures.quantization)} of a variance of ${short(measures.variance)}${explained === null ? '' : `, explained ${(100 * explained).toFixed(2)} %`}`,
    ],
    ...(levelErrors.length === 1 ? [] : [['levels', levelErrors.map(short).join(', ')] as [string, string]]),
    [
      'codes used',
      `${short(100 * measures.use)} %, ${measures.deadCount} dead, perplexity ${short(measures.perplexity)} of ${measures.codes}`,
    ],
    ...(soft === undefined
      ? []
      : [
          [
            'soft',
            `L_q ${short(soft.lq)} = L_OLS ${short(soft.lols)} + V ${short(soft.v)}, gap to hard ${short(soft.gap)}`,
          ] as [string, string],
        ]),
    ['seconds', short(measures.seconds)],
  ];
}
