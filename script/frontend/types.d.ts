// The types of what Home Assistant gives to the modules, as far as they use it.

interface HassState {
  entity_id: string;
  state: string;
  attributes: Record<string, unknown>;
  last_changed: string;
  last_updated: string;
}

interface HassEntity {
  entity_id: string;
  device_id?: string;
  platform: string;
  entity_category?: string;
  hidden?: boolean;
}

interface Hass {
  states: Record<string, HassState | undefined>;
  entities: Record<string, HassEntity | undefined>;
  devices: Record<string, unknown>;
  config: { time_zone: string; unit_system: { length: string }; components: string[] };
  locale?: { time_zone?: string; time_format?: string; number_format?: string };
  language: string;
  connected: boolean;
  themes?: { darkMode?: boolean };
  user?: { is_admin: boolean };
  callWS(message: Record<string, unknown>): Promise<any>;
  callService(domain: string, service: string, data: object, target?: object): Promise<unknown>;
  formatEntityState(state: HassState): string;
  formatEntityAttributeValue(state: HassState, attribute: string): string;
  loadBackendTranslation(
    category: string,
    integration: string,
  ): Promise<(key: string, values?: Record<string, unknown>) => string>;
}

interface HassConnection {
  sendMessagePromise(message: Record<string, unknown>): Promise<any>;
}

/** How Home Assistant is asked: the answer to a command. */
type Call = (message: Record<string, unknown>) => Promise<any>;

type Words = (key: string, values?: Record<string, unknown>) => string;

interface Account {
  id: string;
  /** Not told of an account of which a user may see no vehicle. */
  title: string | null;
  vendor: string;
  state: string;
  reachable: boolean;
}

interface Vehicle {
  id: string;
  name: string;
  account: string;
  vendor: string;
  kind: string;
  model: string | null;
  plate: string | null;
  area: string | null;
  tracker: string;
  entities: Record<string, Record<string, string>>;
  /** How the id of the statistics of its distance ends. */
  statistics: string;
  stopping: string[];
  /** The entities that the user may control. */
  controls: string[];
  /** Since when it does what `activity` says, and when it was heard of. */
  times: Record<"position" | "fix" | "contact" | "activity" | "since", string | null>;
}

interface Overview {
  version: string;
  path: string;
  /** The types of events that are no alarms. */
  routine: string[];
  accounts: Account[];
  vehicles: Vehicle[];
}

interface CardConfig {
  type?: string;
  device?: string;
  [key: string]: unknown;
}

interface CardFacts {
  stub?: (hass: Hass) => object;
  check?: (config: CardConfig) => void;
  form: string;
  size: (config?: CardConfig) => number;
  grid: (config?: CardConfig) => object;
}

interface MapPath {
  points: { point: [number, number]; timestamp: Date }[];
  color?: string;
  gradualOpacity?: number;
  fullDatetime?: boolean;
  name?: string;
}

interface TripPlace {
  latitude?: number;
  longitude?: number;
  address?: string;
  zone?: string;
}

interface Trip {
  trip_id: string | null;
  begin: string;
  end: string | null;
  running: boolean;
  distance: number | null;
  duration: number | null;
  average_speed: number | null;
  top_speed: number | null;
  idle_time: number | null;
  begin_place?: TripPlace;
  end_place?: TripPlace;
}

interface Route {
  trip: Trip | null;
  points: [number, number, number, number | null][];
  gaps: number[];
}

interface Window {
  customCards?: object[];
  customStrategies?: object[];
  loadCardHelpers?: () => Promise<any>;
  hassConnection?: Promise<{ conn: HassConnection }>;
}
