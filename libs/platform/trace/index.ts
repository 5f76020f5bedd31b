export {
  asKept,
  contextBelow,
  deliveryContext,
  readTraceparent,
  traceIdOf,
  traceparentOf,
  validTraceparent,
} from './context.ts';
export type { TraceContext } from './context.ts';
export type { Tracing } from './open.ts';
export { openTracing } from './open.ts';
export type { Attributes, Span, Tracer } from './tracer.ts';
export { sampledTraceOf } from './tracer.ts';
