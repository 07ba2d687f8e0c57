import { DdclError, type Program } from '@ddcl/core/backend';
import type { InferenceSession } from 'onnxruntime-common';
import type { OnnxGraph } from '../onnx/graph.ts';
import { modelBytes, modelProto } from '../onnx/model.ts';
import type { ResolvedOptions } from '../options.ts';
import { providerName } from '../runtime.ts';

/** What every session is made with. */
export function sessionOptions({ executionProviders, threads }: ResolvedOptions): InferenceSession.SessionOptions {
  const names = executionProviders.map(providerName);
  const ownCpu = names.includes('cpu') || names.includes('wasm');
  return {
    executionProviders,
    // Failures become errors with the same text; warnings would go to stderr of a program that did nothing wrong.
    logSeverityLevel: 4,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    // Otherwise the runtime moves ops that a provider lacks to the CPU without a word.
    ...(ownCpu ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The node that a message of the runtime speaks of: the longest of our names in it. */
export function nodeIn(message: string, graph: OnnxGraph): { readonly node: string; readonly op: string } | undefined {
  const found = [...graph.nodeLabels].filter(([name]) => message.includes(name));
  const [longest] = found.sort(([a], [b]) => b.length - a.length);
  return longest && { node: longest[0], op: longest[1] };
}

/**
 * Makes a session for a graph.
 * @throws DdclError `unsupported`, naming the op of the program and the ONNX node where the runtime tells it
 */
export async function createSession(
  options: ResolvedOptions,
  graph: OnnxGraph,
  program: Program,
): Promise<InferenceSession> {
  const bytes = modelBytes(modelProto(graph, { name: program.name }));
  try {
    return await options.runtime.InferenceSession.create(bytes, sessionOptions(options));
  } catch (error) {
    const message = messageOf(error);
    const place = nodeIn(message, graph);
    const where = place === undefined ? '' : ` at ${place.op} (ONNX node '${place.node}')`;
    throw new DdclError(
      'unsupported',
      `ONNX Runtime could not make a session for ${program.name}${where}: ${message}. Another execution provider may have what is missing; if not, please report this with the program.`,
      { ...(place && { op: place.op }), cause: error },
    );
  }
}
