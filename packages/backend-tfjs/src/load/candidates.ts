/** What {@link loadTfjs} takes: which tfjs to try. */
export type TfjsName = 'node-gpu' | 'node' | 'webgpu' | 'webgl' | 'wasm' | 'cpu';

/** Where a tfjs comes from. */
interface Candidate {
  /** Imported in this order; the first is the module that is passed on. */
  readonly packages: readonly string[];
  /** What `tf.setBackend` is told. */
  readonly backend: string;
}

const withBackend = (name: string): Candidate => ({
  packages: ['@tensorflow/tfjs-core', `@tensorflow/tfjs-backend-${name}`],
  backend: name,
});

export const candidates: Readonly<Record<TfjsName, Candidate>> = {
  'node-gpu': { packages: ['@tensorflow/tfjs-node-gpu'], backend: 'tensorflow' },
  node: { packages: ['@tensorflow/tfjs-node'], backend: 'tensorflow' },
  webgpu: withBackend('webgpu'),
  webgl: withBackend('webgl'),
  wasm: withBackend('wasm'),
  cpu: withBackend('cpu'),
};

/** Why a tfjs could not be imported, and what to do. */
export function explainImport(name: TfjsName, error: unknown): string {
  const { packages } = candidates[name];
  const { code, message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  const missing = packages.find(
    (each) =>
      code?.endsWith('MODULE_NOT_FOUND') === true &&
      (message.includes(`'${each}'`) || message.includes(`${each} imported`)),
  );
  if (missing !== undefined) return `${missing} is not installed: npm install ${packages.join(' ')}`;
  const library = /lib(?:cuda|cudart|cudnn|cublas|cufft|curand|cusolver|cusparse|nvrtc)[\w.]*/.exec(message)?.[0];
  if (library !== undefined)
    return `CUDA is missing (${library}): install the CUDA and cuDNN that ${packages[0]} names in its README and put their folder into LD_LIBRARY_PATH, or use 'node'`;
  if (/libtensorflow|tensorflow\.dll|tfjs_binding/.test(message))
    return `its libtensorflow is missing, which the install script of ${packages[0]} downloads: allow install scripts and run npm rebuild ${packages[0]}. (${firstLine(message)})`;
  return `it cannot be loaded: ${firstLine(message)}`;
}

function firstLine(message: string): string {
  return message.trim().split('\n')[0]!;
}
