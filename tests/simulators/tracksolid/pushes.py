"""Chapter 10: what the vendor pushes, in both families, and the TAG pushes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
import json

import aiohttp

from .device import Device, stamp

# Every path of chapter 10.
PATHS = (
    "/pushevent",
    "/pushhb",
    "/pushgps",
    "/pushalarm",
    "/rfid",
    "/wgtc",
    "/pushoil",
    "/pushfileupload",
    "/pushtem",
    "/pushlbs",
    "/pushresourcelist",
    "/pushftpfileupload",
    "/pushIothubEvent",
    "/pushPassThroughData",
    "/pushTerminalTransInfo",
    "/pushInstructResponse",
    "/pushFileContent",
    "/pushextendedkks",
    "/uploadCallback",
    "/pushobd",
    "/pushfaultinfo",
    "/pushtripreport",
)
TAG_PATH = "/api/v1/tag/data/push"

type Item = dict[str, object]


def bcd(time: float) -> str:
    """Return a time as yyMMddHHmmss."""
    return datetime.fromtimestamp(time, UTC).strftime("%y%m%d%H%M%S")


def gps(device: Device, now: float) -> Item:
    """10.3."""
    state, _ = device.report(now)
    kinds = {"GPS": 1, "LBS": 2, "WIFI": 3, "BEACON": 5}
    return {
        "deviceImei": device.imei,
        "gpsTime": stamp(state.time),
        "gateTime": stamp(now),
        "lng": round(state.place.longitude, 6),
        "lat": round(state.place.latitude, 6),
        "satelliteNum": 11,
        "gpsSpeed": round(state.speed),
        "direction": round(state.course),
        "acc": int(state.ignition),
        "postType": kinds[device.position_type],
        "postMethod": 0,
        "status": 1,
        "altitude": 12,
        "distance": round(state.odometer),
    }


def heartbeat(device: Device, now: float, *, charging: int = 0) -> Item:
    """10.2."""
    return {
        "deviceImei": device.imei,
        "gateTime": stamp(now),
        "powerLevel": int(device.battery or 0),
        "gsmSign": 4,
        "acc": int(device.vehicle.at(now).ignition),
        "powerStatus": charging,
        "fortify": 0,
    }


def login(device: Device, now: float, kind: str = "LOGIN") -> Item:
    """10.1: LOGIN or LOGOUT."""
    return {
        "deviceImei": device.imei,
        "type": kind,
        "gateTime": stamp(now),
        "timezone": "GMT+08:00",
    }


def alarm(device: Device, code: str, name: str, now: float) -> Item:
    """10.4, the flat form."""
    place = device.vehicle.at(now).place
    return {
        "deviceImei": device.imei,
        "alarmType": code,
        "alarmName": name,
        "gateTime": stamp(now),
        "lat": place.latitude,
        "lng": place.longitude,
    }


def hub_alarm(
    device: Device, code: str, now: float, *, msg_class: int = 0, removed: bool = False
) -> Item:
    """10.4, the form of the IoT hub: class 0 is Jimi's own numbers, 1 is JT808's."""
    place = device.vehicle.at(now).place
    kind: Item = {"alertType": code}
    if removed:
        kind = {"alertType": "removeAlarmType", "removeAlarmType": code}
    return {
        "type": "DEVICE",
        "msgClass": msg_class,
        "imei": device.imei,
        "gateTime": stamp(now),
        "msg": kind
        | {
            "lat": place.latitude,
            "lng": place.longitude,
            "gpsSpeed": 12,
            "alarmTime": stamp(now),
        },
    }


def identity(device: Device, now: float, kind: str, value: str) -> Item:
    """10.4, where a tracker tells its ICCID or VIN instead of an alarm."""
    return {
        "type": kind,
        "imei": device.imei,
        "gateTime": stamp(now),
        "msg": {kind: value},
    }


def notification(device: Device, code: str, name: str, now: float) -> Item:
    """Return the data of the notification jimi.push.device.alarm."""
    place = device.vehicle.at(now).place
    return {
        "imei": device.imei,
        "deviceName": device.name,
        "alarmType": code,
        "alarmName": name,
        "lat": place.latitude,
        "lng": str(place.longitude),
        "alarmTime": stamp(now),
    }


def oil(device: Device, now: float, path: int, value: float, unit: int) -> Item:
    """10.7: the value a hundred times; 1 cm, 2 %, 3 V, 4 L."""
    return {
        "deviceImei": device.imei,
        "path": path,
        "gateTime": stamp(now),
        "value": value * 100,
        "unit": unit,
    }


def temperature(device: Device, now: float, degrees: float, humidity: float) -> Item:
    """10.9."""
    return {
        "deviceImei": device.imei,
        "tem": degrees,
        "hum": humidity,
        "gateTime": stamp(now),
        "postTime": stamp(now),
    }


def obd(device: Device, now: float, **values: object) -> Item:
    """10.20."""
    state = device.vehicle.at(now)
    return {
        "deviceImei": device.imei,
        "obdJson": {
            "car_type": 2,
            "push_time": stamp(now),
            "event_time": stamp(now),
            "AccState": int(state.ignition),
            "statusFlags": 3,
            "lng": state.place.longitude,
            "lat": state.place.latitude,
            "dataID1": 5016,
            "dataID2": 77,
        }
        | values,
    }


def faults(device: Device, now: float, *codes: str) -> Item:
    """10.21."""
    place = device.vehicle.at(now).place
    return {
        "deviceImei": device.imei,
        "gateTime": stamp(now),
        "faultCodeList": list(codes),
        "faultNum": len(codes),
        "statusFlags": 3,
        "lng": place.longitude,
        "lat": place.latitude,
        "eventTime": int(now),
    }


def trip(device: Device, begin: float, end: float, *, properties: int = 2) -> Item:
    """10.22: 1 start, 2 end."""
    first, last = device.vehicle.at(begin).place, device.vehicle.at(end).place
    return {
        "deviceImei": device.imei,
        "gateTime": stamp(end),
        "miles": round(device.vehicle.distance(begin, end) / 1000, 3),
        "oils": 1.4,
        "idleTimes": 35,
        "tripSeq": 7,
        "beginTime": bcd(begin),
        "endTime": bcd(end),
        "beginLat": first.latitude,
        "beginLng": first.longitude,
        "endLat": last.latitude,
        "endLng": last.longitude,
        "properties": properties,
    }


def tag(device: Device, now: float) -> Item:
    """Return where a TAG is: milliseconds, the kind in words."""
    place = device.vehicle.at(now).place
    return {
        "imei": device.imei,
        "lat": place.latitude,
        "lng": place.longitude,
        "gpsTime": int(now * 1000),
        "positionType": "BEACON",
        "battery": 80,
    }


def sample(path: str, device: Device, now: float) -> Item:
    """Return an ordinary item of any path of chapter 10."""
    imei: Item = {"deviceImei": device.imei}
    time = stamp(now)
    place = device.vehicle.at(now).place
    where: Item = {"gpsTime": time, "lng": place.longitude, "lat": place.latitude}
    match path:
        case "/pushevent":
            return login(device, now)
        case "/pushhb":
            return heartbeat(device, now)
        case "/pushgps":
            return gps(device, now)
        case "/pushalarm":
            return alarm(device, "3", "Vibration alert", now)
        case "/rfid":
            return (
                imei
                | where
                | {
                    "moduleType": "1",
                    "gateTime": time,
                    "postTime": time,
                    "value": "0A0B0C0D",
                }
            )
        case "/wgtc":
            return (
                imei
                | where
                | {
                    "hexContent": "7E0102",
                    "postTime": time,
                    "category": "0x9B",
                    "type": 1,
                }
            )
        case "/pushoil":
            return oil(device, now, 1, 42.5, 4)
        case "/pushfileupload":
            return imei | {
                "fileName": "a.jpg;b.mp4",
                "gateTime": time,
                "result": "SUCCESS",
            }
        case "/pushtem":
            return temperature(device, now, 4.5, 61)
        case "/pushlbs":
            cells = {"MCC": 204, "MNC": 8, "cellList": [{"LAC": 1, "CI": 2, "RSSI": 3}]}
            return imei | {
                "postType": "LBS",
                "gateTime": time,
                "lbsJson": json.dumps(cells),
            }
        case "/pushresourcelist":
            resource = {"channel": 1, "beginTime": time, "endTime": time, "fileSize": 9}
            return {
                "imei": device.imei,
                "totalNum": "1",
                "instructionID": "5bd5e931",
                "resourceList": [resource],
            }
        case "/pushftpfileupload":
            return imei | {"result": 0, "instructionID": "5bd5e931", "gateTime": time}
        case "/pushIothubEvent":
            return imei | {
                "gateTime": time,
                "eventType": "UploadMediaFileEnd",
                "eventContent": "{}",
            }
        case "/pushPassThroughData":
            content = base64.b64encode(b"hello").decode()
            return imei | {
                "gateTime": time,
                "type": 240,
                "category": "0x0900",
                "content": content,
            }
        case "/pushTerminalTransInfo":
            return (
                imei | where | {"postTime": time, "extensionId": 8197, "content": "{}"}
            )
        case "/pushInstructResponse":
            return {
                "_code": "100",
                "_msg": "success",
                "_imei": device.imei,
                "_serverFlagId": 4711,
                "_content": "STATUS OK",
            }
        case "/pushFileContent":
            return imei | {
                "instructionId": "5bd5e931",
                "postTime": time,
                "gateTime": time,
                "content": ["face-1", "face-2"],
            }
        case "/pushextendedkks":
            return imei | {"gateTime": time, "subMessagesId": 3, "content": "{}"}
        case "/uploadCallback":
            return {
                "businessType": "remotePictureOrVideo",
                "imei": device.imei,
                "camera": 0,
                "shootType": 1,
                "shootTime": 0,
                "alarmTime": int(now),
                "lat": str(place.latitude),
                "lng": str(place.longitude),
                "mimeType": "image/jpeg",
                "localFileName": "a.jpg",
                "filename": "cloud/a.jpg",
            }
        case "/pushobd":
            return obd(device, now)
        case "/pushfaultinfo":
            return faults(device, now, "P0301", "P0420")
        case "/pushtripreport":
            return trip(device, now - 600, now)
    raise ValueError(path)


class Pusher:
    """Pushes to the address that was configured on the platform."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, token: str = ""
    ) -> None:
        """Initialize with the address and the fixed token of both sides."""
        self._session = session
        self.base = base.rstrip("/")
        self.token = token

    async def data(
        self, path: str, items: Sequence[Item], *, as_json: bool = False
    ) -> tuple[int, object]:
        """Push a list of up to 50 items to a path of chapter 10."""
        if path == "/pushInstructResponse":
            body: Item = {
                "token": self.token,
                "msgType": 2,
                "code": 0,
                "msg": "success",
                "data": items[0],
            }
            return await self._post(path, body, as_json=as_json)
        return await self._post(
            path, {"token": self.token, "data_list": list(items)}, as_json=as_json
        )

    async def message(
        self, kind: str, content: Mapping[str, object]
    ) -> tuple[int, object]:
        """Push a notification of the Open API: msgType and data."""
        body: Item = {"msgType": kind, "data": content}
        return await self._post("", body, as_json=False)

    async def tags(self, items: Sequence[Item]) -> tuple[int, object]:
        """Push the positions of TAG devices: a bare JSON array."""
        async with self._session.post(
            f"{self.base}{TAG_PATH}", json=list(items)
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def _post(
        self, path: str, body: Item, *, as_json: bool
    ) -> tuple[int, object]:
        url = f"{self.base}{path}"
        if as_json:
            request = self._session.post(url, json=body)
        else:
            form = {
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in body.items()
            }
            request = self._session.post(url, data=form)
        async with request as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text
