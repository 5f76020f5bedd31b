export type { Component } from './component.ts';
export type { Host, Service } from './definition.ts';
export { defineService } from './definition.ts';
export { runService } from './run.ts';
export type { RunningServices } from './start.ts';
export { startServices } from './start.ts';
