import { DdclError, type FloatDType } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { InvalidArgumentError, Option } from 'commander';
import { autoBackend, backendNames, isBackend } from './backends.ts';

export const backendOption = (): Option =>
  new Option(
    '--backend <name>',
    'where the arithmetic runs: cpu, ort (ONNX Runtime; ort:cuda,cpu for execution providers in your order), webgpu (any GPU; beside the package webgpu), a module whose default export makes one (./my-backend.js), or auto: ort where onnxruntime-node is installed, else cpu',
  )
    .default(autoBackend)
    .argParser((text: string) => {
      if (isBackend(text)) return text;
      throw new InvalidArgumentError(
        `This version has: ${backendNames.join(', ')} ('ddcl doctor' says which run here). A module of your own is a path, such as ./my-backend.js, or a package with a scope.`,
      );
    });

export const dtypeOption = (note = ''): Option =>
  new Option('--dtype <dtype>', `precision of the arithmetic${note}`).choices(['float32', 'float64']);

/** @throws DdclError `unsupported` if the backend lacks the dtype */
export function requireDType(dtype: FloatDType, { name, capabilities }: Backend): void {
  if (capabilities.dtypes.includes(dtype)) return;
  throw new DdclError('unsupported', `The backend ${name} has no ${dtype}; it has ${capabilities.dtypes.join(', ')}.`);
}
