import { DdclError } from '../errors/ddcl-error.ts';
import type { TypedArray } from '../program/dtype.ts';
import { dtypeOf } from '../program/dtype.ts';
import { expandComposites } from '../program/expand.ts';
import { valueTypes, type Program } from '../program/program.ts';
import { byteLength, elementCount, formatType, isConcrete, type ConcreteType } from '../program/tensor-type.ts';
import type { Capabilities } from './contract.ts';

/**
 * Looks into composites that the backend has no kernel for.
 * @throws DdclError `unsupported` or `limit` if the backend cannot run the program
 */
export function checkProgram(name: string, capabilities: Capabilities, program: Program): void {
  for (const type of valueTypes(expandComposites(program, capabilities.composites))) {
    if (!capabilities.dtypes.includes(type.dtype)) {
      throw new DdclError(
        'unsupported',
        `The backend '${name}' has no ${type.dtype} (it has ${capabilities.dtypes.join(', ')}), but ${program.name} uses ${formatType(type)}. Trace the program with another dtype, or use a backend that has it.`,
      );
    }
    if (isConcrete(type)) checkSize(name, capabilities, type, program.name);
  }
}

function checkSize(name: string, capabilities: Capabilities, type: ConcreteType, what: string): void {
  if (byteLength(type) <= capabilities.maxBufferBytes) return;
  throw new DdclError(
    'limit',
    `${what} needs a tensor ${formatType(type)} of ${byteLength(type)} bytes, but the backend '${name}' allows ${capabilities.maxBufferBytes}. Cut the work into smaller blocks.`,
    { shapes: [type.shape] },
  );
}

/** @throws DdclError `unsupported`, `limit`, `dtype` or `shape` if `data` is not what `type` says */
export function checkUpload(name: string, capabilities: Capabilities, type: ConcreteType, data: TypedArray): void {
  if (!capabilities.dtypes.includes(type.dtype)) {
    throw new DdclError(
      'unsupported',
      `The backend '${name}' has no ${type.dtype} (it has ${capabilities.dtypes.join(', ')}).`,
    );
  }
  checkSize(name, capabilities, type, 'upload');
  if (dtypeOf(data) !== type.dtype) {
    throw new DdclError(
      'dtype',
      `upload of ${formatType(type)} takes ${type.dtype} data, but got a ${data.constructor.name}.`,
    );
  }
  const expected = elementCount(type.shape);
  if (data.length !== expected) {
    throw new DdclError('shape', `upload of ${formatType(type)} takes ${expected} elements, but got ${data.length}.`, {
      shapes: [type.shape],
    });
  }
}
