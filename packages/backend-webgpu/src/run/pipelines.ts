import { BoundedCache, DdclError } from '@ddcl/core/backend';
import { computeStage } from '../device/flags.ts';
import type { DeviceState } from '../device/device-state.ts';
import type { ShaderListener } from '../device/dump-shaders.ts';
import type { Dispatch } from '../wgsl/module.ts';

/** A kernel made ready. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const mostPipelines = 512;

/** Pipelines by the text of their kernel, kept while they are used. Layouts are explicit and shared by all kernels with such bindings. */
export class Pipelines {
  readonly #state: DeviceState;
  readonly #onShader: ShaderListener | undefined;
  readonly #layouts = new Map<string, { readonly group: GPUBindGroupLayout; readonly pipeline: GPUPipelineLayout }>();
  readonly #known = new BoundedCache<Promise<Pipeline>>(mostPipelines);

  constructor(state: DeviceState, onShader?: ShaderListener) {
    this.#state = state;
    this.#onShader = onShader;
  }

  /** All pipelines of a plan, compiled at once. */
  compile(dispatches: readonly Dispatch[]): Promise<Pipeline[]> {
    return Promise.all(dispatches.map((dispatch) => this.#get(dispatch)));
  }

  #get(dispatch: Dispatch): Promise<Pipeline> {
    const signature =
      dispatch.bindings.map(({ access }) => access[0]).join('') + (dispatch.sizes === undefined ? '' : 'u');
    const key = `${signature}\n${dispatch.code}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = this.#make(dispatch, signature);
    this.#known.set(key, made);
    // What failed is tried again the next time.
    made.catch(() => void this.#known.take(key));
    return made;
  }

  async #make({ label, code }: Dispatch, signature: string): Promise<Pipeline> {
    this.#onShader?.(label, code);
    const { device } = this.#state;
    const { group, pipeline: layout } = this.#layout(signature);
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label, code });
    const refused = device.popErrorScope();
    try {
      const making = device.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: 'main' } });
      const [pipeline, error] = await Promise.all([making, refused]);
      if (error !== null) throw error;
      return { pipeline, layout: group };
    } catch (error) {
      this.#state.requireAlive('compile');
      throw await compilationError(module, code, error);
    }
  }

  #layout(signature: string): { readonly group: GPUBindGroupLayout; readonly pipeline: GPUPipelineLayout } {
    const known = this.#layouts.get(signature);
    if (known !== undefined) return known;
    const { device } = this.#state;
    const types = { r: 'read-only-storage', w: 'storage', u: 'uniform' } as const;
    const group = device.createBindGroupLayout({
      entries: [...signature].map((letter, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type: types[letter as keyof typeof types] },
      })),
    });
    const layout = { group, pipeline: device.createPipelineLayout({ bindGroupLayouts: [group] }) };
    this.#layouts.set(signature, layout);
    return layout;
  }
}

/** What WGSL's compiler said, with the lines it said it of. */
async function compilationError(module: GPUShaderModule, code: string, cause: unknown): Promise<DdclError> {
  const { messages } = await module.getCompilationInfo();
  const lines = code.split('\n');
  const found = messages
    .filter(({ type }) => type === 'error')
    .map(({ lineNum, message }) => `line ${lineNum}: ${message}\n    ${lines[lineNum - 1] ?? ''}`);
  const detail = found.length > 0 ? found.join('\n  ') : String((cause as { message?: string }).message ?? cause);
  return new DdclError(
    'internal',
    `internal: a kernel (${lines[0]}) does not compile:\n  ${detail}\nPlease report this.`,
    {
      cause,
    },
  );
}
