import type { Env, InferenceSession, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';

/**
 * The part of `onnxruntime-node` and `onnxruntime-web` that this package uses. Pass the whole module:
 * `import * as ort from 'onnxruntime-node'`, then `ortBackend({ runtime: ort })`.
 */
export interface OrtRuntime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
  readonly env: Env;
}

/** Where programs run: `cpu`, `cuda`, `webgpu`, `wasm`, ... by name, or with the runtime's own options for it. */
export type OrtExecutionProvider = InferenceSession.ExecutionProviderConfig;

/** Name of a provider given with or without options. */
export function providerName(provider: OrtExecutionProvider): string {
  return typeof provider === 'string' ? provider : provider.name;
}

/** Whether the runtime is `onnxruntime-node`, which reads inputs and writes outputs where they lie, and runs in one go. */
export function isNodeRuntime(runtime: OrtRuntime): boolean {
  return runtime.env.versions.node !== undefined;
}
