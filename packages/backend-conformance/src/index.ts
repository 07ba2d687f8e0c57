// The suite
export { describeBackend, type DescribeBackendOptions } from './describe-backend.ts';
export type { Deviation } from './run/deviations.ts';
export { conformanceCases } from './conformance-cases.ts';
export { conformanceGroups, type BackendFeatures, type ConformanceCase, type ConformanceGroup } from './run/case.ts';
export {
  createContext,
  type CaseContext,
  type ContextOptions,
  type MakeBackend,
  type OwnedContext,
} from './run/context.ts';
export { runCase, type CaseOutcome } from './run/run-case.ts';
export { runConformance, type RunConformanceOptions } from './run-conformance.ts';

// Reports
export {
  conformanceReport,
  type ConformanceReport,
  type ReportedCapabilities,
  type ReportEntry,
} from './report/report.ts';
export { insertTable, supportTable } from './report/support-table.ts';

// The oracle
export {
  tolerances,
  compositeTolerances,
  type CompositeTolerance,
  type Tolerance,
  type ToleranceTable,
} from './compare/tolerances.ts';
export { compare, type Comparison, type Expected } from './compare/compare.ts';
export { evaluate } from './compare/enclosure.ts';
export type { Enclosure } from './compare/exact.ts';
export { referenceKernels } from './oracle/reference-kernels.ts';
export type { RefTensor, Value } from './oracle/tensor.ts';
export { strictBackend, type NativeLog, type StrictBackend, type StrictOptions } from './strict/strict-backend.ts';
