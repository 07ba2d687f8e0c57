import type { Backend, Executable } from '@ddcl/core/backend';
import { cpuBackend } from '../../../backend-cpu/src/index.ts';
import { strictBackend, type StrictBackend } from '../../src/strict/strict-backend.ts';
import type { ConformanceGroup } from '../../src/run/case.ts';
import type { ContextOptions } from '../../src/run/context.ts';
import { patchedCpu, patchedStrict, type Patch } from './plant.ts';
import type { PlantedFault, Probe } from './planted-fault.ts';

const nativeTensors = (backend: Backend): number => (backend as StrictBackend).log.alive.size;

/** `[file, find, replace]`. */
export type Change = readonly [file: string, find: string, replace: string];

const patch = ([file, find, replace]: Change): Patch => ({ file, find, replace });

/** A wrong kernel, or wrong code of the runner, that shows in numbers. */
export function wrongNumbers(
  kind: string,
  name: string,
  changes: Change | readonly Change[],
  likely: ConformanceGroup | readonly ConformanceGroup[],
  probe: Probe,
): PlantedFault {
  const patches = (typeof changes[0] === 'string' ? [changes as Change] : (changes as readonly Change[])).map(patch);
  return {
    kind,
    name,
    patches,
    make: patchedCpu(...patches),
    right: () => cpuBackend(),
    probe,
    likely: [likely].flat(),
    inNumbers: true,
  };
}

/** Changed sources that break a promise about something else than numbers. */
export function brokenSource(
  kind: string,
  name: string,
  change: Change,
  likely: ConformanceGroup | readonly ConformanceGroup[],
  probe: Probe,
): PlantedFault {
  return { ...wrongNumbers(kind, name, change, likely, probe), inNumbers: false };
}

/** Code of the runner that leaves native tensors behind, under the strict backend, which counts them. */
export function leak(
  kind: string,
  name: string,
  change: Change,
  likely: ConformanceGroup | readonly ConformanceGroup[],
  probe: (backend: StrictBackend) => Promise<unknown>,
): PlantedFault {
  const patches = [patch(change)];
  return {
    kind,
    name,
    patches,
    make: patchedStrict(...patches),
    right: () => strictBackend(),
    probe: (backend) => probe(backend as StrictBackend),
    likely: [likely].flat(),
    options: { nativeTensors },
    inNumbers: false,
  };
}

/** The CPU backend with other members. */
export function members(
  kind: string,
  name: string,
  change: (backend: Backend) => Partial<Backend>,
  likely: ConformanceGroup | readonly ConformanceGroup[],
  probe: Probe,
  options?: ContextOptions,
): PlantedFault {
  return {
    kind,
    name,
    make: () => {
      const backend = cpuBackend();
      return { ...backend, ...change(backend) };
    },
    right: () => cpuBackend(),
    probe,
    likely: [likely].flat(),
    ...(options && { options }),
    inNumbers: false,
  };
}

/** The CPU backend with other executables. */
export function executables(
  kind: string,
  name: string,
  change: (executable: Executable, backend: Backend) => Partial<Executable>,
  likely: ConformanceGroup | readonly ConformanceGroup[],
  probe: Probe,
): PlantedFault {
  const compile =
    (backend: Backend): Backend['compile'] =>
    async (program) => {
      const executable = await backend.compile(program);
      return { ...executable, ...change(executable, backend) };
    };
  return members(kind, name, (backend) => ({ compile: compile(backend) }), likely, probe);
}
