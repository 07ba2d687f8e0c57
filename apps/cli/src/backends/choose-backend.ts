import type { FloatDType } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { messageOf } from '../output/message-of.ts';
import { requireDType } from './backend-options.ts';
import { autoBackend, createBackend } from './backends.ts';
import { installOrt, isOrtMissing } from './load-ort.ts';

/** A backend that runs, and how it came to be chosen. */
export interface ChosenBackend {
  readonly backend: Backend;
  /** As `--backend` takes it; never `auto`. */
  readonly name: string;
  /** Whether `--backend auto` chose it. */
  readonly isAuto: boolean;
  /** Why `auto` did not take the faster one. */
  readonly reason?: string;
  /** Whether that is because nobody has installed it. */
  readonly isMissing?: boolean;
}

/**
 * Multiplications (tokens x m x K x passes over them) from which ort is the faster one, start-up and all; on two cores `encode` took 1.2 s on
 * either for 1.2e9 (K = 64, m = 384), cpu 1.9 s and ort 1.6 s for 2.5e9; `fit` 9.5 and 7.7 s for 1.2e9 (K = 32, m = 64), 23 and 8 s for 7.4e9.
 */
const wideProducts = 2e9;

/** About how often a command goes over its tokens. */
export const passesOf = { fit: 30, measure: 30 } as const;

/**
 * Starts the backend that `--backend` names. `auto` takes ort where onnxruntime-node is installed and starts, since it uses all cores and is many
 * times as fast on wide tokens; else cpu, which runs everywhere. What was asked for by name is never exchanged.
 *
 * @param create stands in for `createBackend` in tests
 * @throws DdclError as `createBackend`; `unsupported` if it lacks the dtype
 */
export async function chooseBackend(
  name: string,
  dtype: FloatDType | undefined,
  create: (name: string) => Promise<Backend> = createBackend,
): Promise<ChosenBackend> {
  if (name !== autoBackend) {
    const backend = await create(name);
    try {
      if (dtype !== undefined) requireDType(dtype, backend);
    } catch (error) {
      backend.dispose();
      throw error;
    }
    return { backend, name, isAuto: false };
  }
  const cpu = async (reason: string, isMissing = false): Promise<ChosenBackend> => ({
    backend: await create('cpu'),
    name: 'cpu',
    isAuto: true,
    reason,
    isMissing,
  });
  // Known without loading it.
  if (dtype === 'float64') return cpu('ort has no float64');
  try {
    return { backend: await create('ort'), name: 'ort', isAuto: true };
  } catch (error) {
    if (isOrtMissing(error)) return cpu('onnxruntime-node is not installed', true);
    return cpu(messageOf(error).replace(/\s*\n\s*/g, ' '));
  }
}

/**
 * The line that tells a user what `auto` took; undefined where the backend was named.
 *
 * @param products tokens x m x K x passes over them: where that is much, how to get the faster backend
 */
export function describeChoice(
  { name, isAuto, reason, isMissing }: ChosenBackend,
  products: number,
): string | undefined {
  if (!isAuto) return undefined;
  if (reason === undefined) return `backend ${name}: ONNX Runtime, all cores`;
  const faster =
    isMissing && products >= wideProducts ? `. This is much work for one thread; faster with ${installOrt}` : '';
  return `backend ${name}, one thread: ${reason}${faster}`;
}
