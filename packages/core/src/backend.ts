export type { Backend, Capabilities, DeviceBuffer, Executable, MemoryUse, RunOptions } from './backend/contract.ts';
export type {
  CompositeCall,
  CompositeInPieces,
  CompositeKernel,
  Kernel,
  KernelBackendOptions,
  KernelCall,
  KernelInPieces,
  KernelTable,
} from './backend/kernels.ts';
export { abortableBackend } from './backend/abortable-backend.ts';
export { backendFromCompiler } from './backend/backend-from-compiler.ts';
export { backendFromKernels } from './backend/backend-from-kernels.ts';
export type { CompiledProgram, CompilerBackendOptions, NativeTensors } from './backend/compiler.ts';
export { BoundedCache } from './backend/cache.ts';
export { BufferTable } from './backend/buffers.ts';
export { checkProgram, checkUpload } from './backend/check-program.ts';
export { joinTokenPasses } from './backend/join-token-passes.ts';
export { neededValues } from './backend/needed-values.ts';
export { planKernels, type KernelPlan, type PlanStep } from './backend/plan.ts';
export {
  readTokenPass,
  tokenPassComposites,
  tokenPassName,
  type TokenOperand,
  type TokenPassCall,
  type TokenPassOperands,
  type TokenQuantity,
} from './backend/token-pass.ts';
export { isPieces, type Pieces, type Work } from './abort/pieces.ts';
export { walkPlan, type WalkOptions } from './backend/walk.ts';
export type {
  ArithmeticOp,
  ComparisonOp,
  NoAttributes,
  PrimitiveAttributes,
  PrimitiveOp,
  UnaryOp,
} from './program/attributes.ts';
export {
  allocate,
  bytesPerElement,
  dtypeOf,
  isFloat,
  type DType,
  type FloatDType,
  type TypedArray,
} from './program/dtype.ts';
export type {
  CompositeAttributes,
  CompositeInstruction,
  Instruction,
  NamedProgram,
  InstructionCommon,
  PrimitiveInstruction,
  Program,
  ValueId,
} from './program/program.ts';
export { resultTypes, valueTypes } from './program/program.ts';
export {
  byteLength,
  elementCount,
  formatType,
  isConcrete,
  sameShape,
  sameType,
  stridesOf,
  tensorType,
  type ConcreteType,
  type Dimension,
  type Shape,
  type TensorType,
} from './program/tensor-type.ts';
export type { ProgramBuilder } from './program/builder.ts';
export { primitiveOps } from './program/infer/infer.ts';
export { programCost, type ProgramCost } from './program/cost.ts';
export { expandComposites } from './program/expand.ts';
export { bindInputs, specialise, type Bindings } from './program/specialise.ts';
export { equalPrograms, programKey } from './program/key.ts';
export { fromFloat16, toFloat16 } from './numbers/float16.ts';
export { DdclError, isDdclError, type DdclErrorCode, type DdclErrorDetails } from './errors/ddcl-error.ts';
