/** Kafka headers of every record: routers, dead-letter tools and traces need no decode. Values are text. */
export const recordHeaders = {
  eventId: 'event-id',
  eventName: 'event-name',
  /** On sightings only: the key below `payload` of their snapshot. */
  sighting: 'sighting',
  /**
   * On deliveries only: which of the endpoint's secrets signed it. It is of
   * the one HTTP request, not of the event, and so no field of the schema.
   */
  secretPosition: 'secret-position',
  schemaVersion: 'schema-version',
  traceparent: 'traceparent',
} as const;

/** Headers as the Kafka client hands them over. */
export type ReceivedHeaders = Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>>;

/** The first value of a header as text. */
export const headerText = (headers: ReceivedHeaders | undefined, name: string): string | undefined => {
  const value = headers?.[name];
  const first: Buffer | string | undefined = Array.isArray(value)
    ? (value as readonly (Buffer | string)[])[0]
    : (value as Buffer | string | undefined);
  return first?.toString();
};
