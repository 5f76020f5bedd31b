export default async (): Promise<void> => {
  const stop = Reflect.get(globalThis, '__dakiaStopServers') as (() => Promise<void>) | undefined;
  await stop?.();
};
