import codes from './codes.ts';
import folders from './folders.ts';
import models from './models.ts';
import onnx from './onnx.ts';
import type { Reader } from './reader.ts';
import safetensors from './safetensors.ts';
import tables from './tables.ts';
import tokenizer from './tokenizer.ts';

/** Every reader of files that may come from a stranger. */
export const readers: readonly Reader[] = [
  ...safetensors,
  ...models,
  ...onnx,
  ...codes,
  ...tables,
  ...folders,
  ...tokenizer,
];
