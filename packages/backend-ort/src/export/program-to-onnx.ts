import type { Program } from '@ddcl/core/backend';
import { emitProgram } from '../emit/emit-program.ts';
import { modelBytes, modelProto } from '../onnx/model.ts';

/**
 * Any program of float32 and int32 as the bytes of an `.onnx` file: inputs `input_0`, `input_1`, ..., outputs `output_0`, ...; symbols
 * become named dimensions. Parameters and results without elements are left out. Standard ops only.
 */
export function programToOnnx(program: Program): Uint8Array {
  return modelBytes(modelProto(emitProgram(program, { tiled: false }).graph, { name: program.name }));
}
