export { cpuBackend, type CpuBackendOptions } from './cpu-backend.ts';
