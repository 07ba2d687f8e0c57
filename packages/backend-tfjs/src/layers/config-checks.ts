import { DdclError } from '@ddcl/core';

/** Of the configuration that a saved model holds. A layer refuses others. */
export const layerFormatVersion = 1;

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
  throw new DdclError('argument', `${layer} has no option ${unknown}. It has ${known.join(', ')}.`);
}

/** @throws DdclError `format` for a layer that another version of this package saved */
export function requireVersion(layer: string, found: unknown): void {
  if (found === undefined || found === layerFormatVersion) return;
  throw new DdclError(
    'format',
    `${layer} was saved with format version ${shown(found)}, and this package reads version ${layerFormatVersion}. Load the model with the @ddcl/backend-tfjs that saved it, and take its prototypes over: layer.toModelBytes() there, layer.fromModelBytes(bytes) here.`,
  );
}

/** What tfjs gives every layer. */
export const layerArguments = [
  'name',
  'trainable',
  'inputShape',
  'batchInputShape',
  'batchSize',
  'dtype',
  'inputDType',
  'weights',
  'version',
  'step',
  // Of `tf.loadLayersModel`.
  'customObjects',
] as const;
