/**
 * The order of the house, from the ground up: what stands in a line may import what stands in lines above it, and its own. Names are folders of
 * `src`, or files that stand in `src` itself; those in one line do not know each other.
 */
export const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'packages/core': [
    ['errors'],
    ['abort', 'program', 'random'],
    ['numbers', 'differentiate', 'optimise', 'backend'],
    ['composite', 'initialise', 'linalg', 'safetensors'],
    ['ddcl', 'metrics', 'tokens'],
    ['pass'],
    ['measure', 'relocate', 'statistics'],
    ['model', 'stability', 'temperature'],
    ['encode', 'k-means', 'train'],
    ['fit'],
    ['index.ts', 'backend.ts', 'fit.ts', 'metrics.ts', 'safetensors.ts', 'train.ts'],
  ],
  'packages/backend-cpu': [['arithmetic'], ['composites', 'kernels'], ['cpu-backend.ts'], ['index.ts']],
  'packages/backend-ort': [
    ['onnx', 'runtime.ts'],
    ['options.ts', 'buffers', 'emit'],
    ['export', 'session'],
    ['executable.ts'],
    ['ort-backend.ts'],
    ['index.ts'],
  ],
  'packages/backend-webgpu': [
    ['options.ts', 'wgsl'],
    ['device', 'kernels'],
    ['plan'],
    ['buffers', 'compile'],
    ['ddcl', 'run'],
    ['webgpu-backend.ts'],
    ['index.ts'],
  ],
  'packages/backend-conformance': [
    ['oracle'],
    ['compare', 'strict'],
    ['run'],
    ['cases', 'report'],
    ['conformance-cases.ts'],
    ['run-conformance.ts'],
    ['describe-backend.ts'],
    ['index.ts'],
  ],
  'packages/readout': [
    ['numbers', 'surgery'],
    ['sequences', 'late-interaction'],
    ['encode', 'pooling'],
    ['head', 'readout'],
    ['pipeline'],
    ['index.ts'],
  ],
  'apps/cli': [
    ['command-line', 'output'],
    ['backends', 'data'],
    ['measures', 'preprocess', 'text'],
    ['encoder', 'report'],
    ['demo', 'explain', 'model-folder', 'token-shards'],
    ['compare', 'tokens'],
    ['fit'],
    ['commands'],
    ['cli.ts'],
    ['main.ts'],
  ],
  'apps/bench': [
    ['command-line.ts', 'machine.ts', 'measure', 'peer'],
    ['compare', 'fit', 'readout.ts', 'step-table.ts'],
    ['k-means'],
    ['main.ts'],
  ],
};

/** What a package's sources may import of others, by specifier; `node:` stands for the platform. */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/backend-cpu': ['@ddcl/core/backend'],
  'packages/backend-ort': [
    '@ddcl/core/backend',
    '@bufbuild/protobuf',
    '@bufbuild/protobuf/codegenv2',
    'onnxruntime-common',
  ],
  'packages/backend-webgpu': ['@ddcl/core/backend'],
  'packages/backend-conformance': ['@ddcl/core', '@ddcl/core/backend', '@ddcl/core/fit', 'vitest', 'node:'],
  'packages/readout': [
    '@ddcl/core',
    '@ddcl/core/backend',
    '@ddcl/core/fit',
    '@ddcl/core/safetensors',
    '@ddcl/core/train',
  ],
};
