import { modelToBytes } from '@ddcl/core/fit';
import { zipSync, type Zippable } from 'fflate';
import cli from '../../../cli/package.json' with { type: 'json' };
import type { FitMeasures } from '../../../cli/src/measures/measures.ts';
import type { ModelConfig } from '../../../cli/src/model-folder/model-folder.ts';
import type { Vectors } from '../data/vectors.ts';
import type { PageFit, PageResult } from '../fit/run-fit.ts';

/** The model folder that `ddcl` opens, as a ZIP file. */
export function modelFolder(
  vectors: Vectors,
  { prototypes, temperature, seed }: PageFit,
  { result, preprocessing }: PageResult,
  { seconds: _seconds, ...measures }: FitMeasures,
): Uint8Array<ArrayBuffer> {
  const config: ModelConfig = {
    format: 'ddcl.config',
    formatVersion: 1,
    command: 'ddcl studio',
    data: {
      columns: vectors.columns,
      tensor: null,
      tokens: result.statistics.tokens,
      fingerprint: vectors.fingerprint,
    },
    preprocessing,
    fit: {
      prototypes,
      temperature: temperature === undefined ? 'auto' : `${temperature}tc`,
      seed,
      backend: measures.backend,
    },
    measures,
    versions: { ddcl: cli.version },
  };
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const files: Zippable = {
    'model.safetensors': modelToBytes({ ...result.model, preprocessing }),
    'config.json': text(`${JSON.stringify(config, null, 2)}\n`),
    'history.jsonl': text(result.history.map((record) => `${JSON.stringify(record)}\n`).join('')),
  };
  return zipSync(files) as Uint8Array<ArrayBuffer>;
}

/** Gives the user a file to keep. */
export function download(name: string, bytes: Uint8Array<ArrayBuffer>, type: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  // Browsers begin with the download in a turn of their own.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
