/** The oracle of the program tests, which is published with the conformance kit. Core cannot depend on the kit, so its tests reach over. */
export { referenceKernels } from '../../../backend-conformance/src/oracle/reference-kernels.ts';
export { erf } from '../../../backend-conformance/src/oracle/erf.ts';
export type { RefTensor } from '../../../backend-conformance/src/oracle/tensor.ts';
