import { DdclError } from '@ddcl/core/backend';
import { OnnxGraph } from '../onnx/graph.ts';
import { modelBytes, modelProto } from '../onnx/model.ts';
import type { ResolvedOptions } from '../options.ts';
import { providerName } from '../runtime.ts';
import { sessionOptions } from './create-session.ts';

/** `x + x` on 1 float: what any provider can run. */
function smallModel(): Uint8Array {
  const graph = new OnnxGraph();
  const sum = graph.node('Add', [graph.input('x', 'float32', [1]), 'x']);
  graph.rename(sum, 'y');
  graph.output('y', 'float32', [1]);
  return modelBytes(modelProto(graph, { name: 'probe' }));
}

/**
 * Starts each provider alone and runs a small model on it: given a list, runtimes pass over those that cannot start.
 * @throws DdclError `unsupported` that says which provider cannot start, and why
 */
export async function probeProviders(options: ResolvedOptions): Promise<void> {
  const model = smallModel();
  const { runtime } = options;
  for (const provider of options.executionProviders) {
    try {
      const session = await runtime.InferenceSession.create(
        model,
        sessionOptions({ ...options, executionProviders: [provider] }),
      );
      try {
        const { y } = await session.run({ x: new runtime.Tensor('float32', Float32Array.of(1), [1]) });
        const [value] = (await y!.getData()) as Float32Array;
        if (value !== 2) throw new Error(`it computed 1 + 1 = ${value}`);
      } finally {
        await session.release();
      }
    } catch (error) {
      const all = options.executionProviders.map(providerName).join(', ');
      throw new DdclError(
        'unsupported',
        `The execution provider '${providerName(provider)}' (of ${all}) cannot start here: ${error instanceof Error ? error.message : String(error)}. Leave it out of executionProviders, or install what it needs.`,
        { cause: error },
      );
    }
  }
}
