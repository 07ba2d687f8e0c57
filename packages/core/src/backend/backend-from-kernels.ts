import { DdclError } from '../errors/ddcl-error.ts';
import { primitiveOps } from '../program/infer/infer.ts';
import { backendFromCompiler } from './backend-from-compiler.ts';
import type { CompiledProgram } from './compiler.ts';
import type { Backend } from './contract.ts';
import type { KernelBackendOptions } from './kernels.ts';
import { coveredComposites, planKernels } from './plan.ts';
import { walkInPieces } from './walk.ts';

/**
 * A whole backend out of one function per primitive: types are checked, composites without a
 * kernel are decomposed, symbols are bound by the inputs, intermediates are released
 * after their last use, buffers are tracked.
 *
 * @throws DdclError `argument` if the table lacks a primitive, or has what is none
 */
export function backendFromKernels<Native extends object>(options: KernelBackendOptions<Native>): Backend {
  checkTables(options);
  const composites = Object.keys(options.composites ?? {});
  return backendFromCompiler<Native>({
    ...options,
    capabilities: { ...options.capabilities, composites: coveredComposites(composites) },
    compile(program) {
      const plan = planKernels(program, composites);
      const compiled: CompiledProgram<Native> = { run: (inputs) => walkInPieces(plan, inputs, options) };
      const preparing = options.prepare?.(plan.steps.filter(({ runs }) => runs));
      return preparing === undefined ? compiled : preparing.then(() => compiled);
    },
  });
}

/** Whoever writes a table without types finds a gap here, and not in the first program that meets it. */
function checkTables<Native extends object>({ name, kernels, composites = {} }: KernelBackendOptions<Native>): void {
  const given: Readonly<Record<string, unknown>> = kernels;
  const missing = primitiveOps.filter((op) => typeof given[op] !== 'function');
  if (missing.length > 0)
    throw new DdclError(
      'argument',
      `The backend '${name}' has no kernel for ${missing.join(', ')}. Add one function for each to its table.`,
    );
  const unknown = Object.keys(given).filter((op) => !(primitiveOps as readonly string[]).includes(op));
  if (unknown.length > 0)
    throw new DdclError(
      'argument',
      `The backend '${name}' has kernels for ${unknown.join(', ')}, of which no program consists. Primitives are ${primitiveOps.join(', ')}; kernels of composites go into \`composites\`.`,
    );
  const unversioned = Object.entries(composites).filter(
    ([key, kernel]) => !/^[\w.]+\/\d+$/.test(key) || typeof kernel !== 'function',
  );
  if (unversioned.length > 0)
    throw new DdclError(
      'argument',
      `The backend '${name}' has kernels for the composites ${unversioned.map(([key]) => key).join(', ')}: each takes a function under a name with its version, such as softmax/1.`,
    );
}
