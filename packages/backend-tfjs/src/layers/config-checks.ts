import { DdclError } from '@ddcl/core';

/** Of the configuration that a saved model holds. A layer refuses others. */
export const layerFormatVersion = 1;

/** What a saved layer or `tf.loadLayersModel` adds, and no user gives. */
const ofSaving: readonly string[] = ['version', 'step', 'customObjects'];

/** A value in a message. */
const shown = (value: unknown): string =>
  typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value));

/** @throws DdclError `argument` with the layer's name, what was expected and what came */
export function requireOption(
  layer: string,
  name: string,
  value: unknown,
  isRight: boolean,
  wanted: string,
  code: 'argument' | 'temperature' = 'argument',
): void {
  if (!isRight) throw new DdclError(code, `${layer} takes ${name} as ${wanted}, but got ${shown(value)}.`);
}

export const isWhole = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least;

export const isNumber = (value: unknown, isRight: (value: number) => boolean): boolean =>
  typeof value === 'number' && Number.isFinite(value) && isRight(value);

/** @throws DdclError `argument` for options that there are not, such as misspelt ones */
export function requireKnown(layer: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new DdclError(
    'argument',
    `${layer} has no option ${unknown}. It has ${known.filter((name) => !ofSaving.includes(name)).join(', ')}.`,
  );
}

/** @throws DdclError `format` for a layer that another version of this package saved */
export function requireVersion(layer: string, found: unknown): void {
  if (found === undefined || found === layerFormatVersion) return;
  throw new DdclError(
    'format',
    `${layer} was saved with format version ${shown(found)}, and this package reads version ${layerFormatVersion}. Load the model with the @ddcl/backend-tfjs that saved it, and take its prototypes over: layer.toModelBytes() there, layer.fromModelBytes(bytes) here.`,
  );
}

/** The keys that a saved layer has to have: without one its default would stand for what was saved. @throws DdclError `format` */
export function requireSaved(layer: string, saved: object, keys: readonly string[]): void {
  const { version } = saved as { version?: unknown };
  requireVersion(layer, version);
  const all = [...keys, 'step', 'version'];
  const missing = all.find((key) => (saved as Record<string, unknown>)[key] === undefined);
  if (missing === undefined) return;
  throw new DdclError(
    'format',
    `${layer} is saved with ${all.join(', ')}, but the configuration to load lacks ${missing}. Load the file as model.save wrote it, or save the model again.`,
  );
}

/** What tfjs gives every layer. */
export const layerArguments: readonly string[] = [
  'name',
  'trainable',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'dtype',
  'inputDType',
  'weights',
  ...ofSaving,
];
