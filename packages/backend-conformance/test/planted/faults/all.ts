import type { PlantedFault } from '../planted-fault.ts';
import { bufferFaults } from './buffers.ts';
import { cacheFaults } from './caches.ts';
import { fusedFaults } from './fused.ts';
import { kernelFaults } from './kernels.ts';
import { runFaults } from './runs.ts';
import { choiceFaults } from './choices.ts';
import { widthFaults } from './widths.ts';

/** What `npm run check:kit` plants. */
export const plantedFaults: readonly PlantedFault[] = [
  ...kernelFaults,
  ...fusedFaults,
  ...cacheFaults,
  ...bufferFaults,
  ...runFaults,
  ...choiceFaults,
  ...widthFaults,
];
