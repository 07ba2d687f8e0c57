import { DdclError } from '../errors/ddcl-error.ts';
import type { SafetensorsTensor } from '../safetensors/tensor.ts';
import type { FitCheckpoint } from './checkpoint.ts';

/** What a checkpoint's metadata hold as JSON. */
export type Progress = Omit<FitCheckpoint, 'state' | 'best'> & {
  readonly best: { readonly restart: number; readonly hard: number } | null;
  /** Tensors of the state; 0 between restarts. */
  readonly slots: number;
};

export const malformed = (problem: string): DdclError =>
  new DdclError('format', `${problem}. Start the fit afresh, without resuming.`);

/** More than any optimiser keeps. */
const mostSlots = 16;

type Check = (value: unknown) => boolean;

const isWhole: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isSize: Check = (value) => isWhole(value) && Number(value) >= 1;
const isFinite: Check = (value) => Number.isFinite(value);
const isError: Check = (value) => isFinite(value) && Number(value) >= 0;
const isText: Check = (value) => typeof value === 'string';
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isRecordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);
/** An object with these names and no others. */
const isShaped =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) &&
    Object.keys(value).length === Object.keys(checks).length &&
    Object.entries(checks).every(([name, check]) => Object.hasOwn(value, name) && check(value[name]));

const isRecord = isShaped({
  restart: isWhole,
  step: isWhole,
  epoch: isFinite,
  temperature: isFinite,
  learningRate: isFinite,
  loss: isShaped({ lq: isFinite, lols: isFinite, v: isFinite, hard: isFinite, defect: isFinite }),
  separation: isShaped({ mean: isFinite, min: isFinite }),
  entropy: isFinite,
  used: isFinite,
  distinct: isFinite,
  perplexity: isFinite,
});

const isProgress = isShaped({
  identity: isRecordOf(isText),
  tokens: isRecordOf(isText),
  restart: isWhole,
  step: isWhole,
  finished: isListOf(isError),
  history: isListOf(isRecord),
  stopping: isShaped({
    lq: (value) => value === null || isFinite(value),
    isDone: (value) => typeof value === 'boolean',
  }),
  best: (value) => value === null || isShaped({ restart: isWhole, hard: isError })(value),
  dtype: (value) => value === 'float32' || value === 'float64',
  shape: (value) => isListOf(isSize)(value) && (value as unknown[]).length === 2,
  slots: (value) => isWhole(value) && Number(value) <= mostSlots,
});

/** Whether the parts can be of one fit: every restart before this one has ended, and the best is one of them. */
function isWholeFit({ restart, step, finished, best, slots, stopping, history }: Progress): boolean {
  const isBetween = slots === 0;
  return (
    finished.length === restart &&
    (best === null ? restart === 0 : best.restart < restart && finished[best.restart] === best.hard) &&
    (!isBetween || (step === 0 && stopping.lq === null && !stopping.isDone)) &&
    history.every((record) => record.restart <= restart)
  );
}

/** @throws DdclError `format` unless it is what a fit writes */
export function parseProgress(text: string): Progress {
  try {
    const progress: unknown = JSON.parse(text);
    if (isProgress(progress) && isWholeFit(progress as Progress)) return progress as Progress;
  } catch {
    // Told below.
  }
  throw malformed('The progress of this checkpoint cannot be read');
}

/**
 * Tells a checkpoint from one that was changed by accident or by hand; it keeps no secret, so one who means to can make another. Two lanes that
 * multiply and fold, a 32-bit word at a time.
 */
export function checksumOf(progress: string, tensors: ReadonlyMap<string, SafetensorsTensor>): string {
  let [one, two] = [0x9e3779b9, 0x85ebca6b];
  const take = (words: Uint32Array): void => {
    for (let index = 0; index < words.length; index++) {
      const word = words[index]!;
      one = Math.imul((one << 13) | (one >>> 19), 5) ^ Math.imul(word, 0xcc9e2d51);
      two = Math.imul(two ^ word ^ (word >>> 15), 0x1b873593) + index;
    }
    // Two pieces are not the one that they make together.
    two ^= words.length;
  };
  const texts = [
    progress,
    ...[...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape.join()}`).sort(),
  ];
  for (const text of texts) take(Uint32Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)));
  for (const name of [...tensors.keys()].sort()) {
    const { data } = tensors.get(name)!;
    // A fit writes floats, whose bytes are whole words; others are refused with the tensor.
    take(
      new Uint32Array(data.buffer, data.byteOffset, data.byteOffset % 4 === 0 ? Math.floor(data.byteLength / 4) : 0),
    );
  }
  return [one, two].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}
