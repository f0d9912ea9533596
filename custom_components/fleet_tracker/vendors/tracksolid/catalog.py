"""The documented methods and their parameters, for whoever calls them by name.

`access_token` and the common parameters of chapter 1 are never among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...contract.methods import ApiMethod, Use
from .api.instruction_hub import Protocol

_REPORT = ("account", "imeis", "start_time", "end_time")

METHODS: Mapping[str, ApiMethod] = MappingProxyType(
    {
        "jimi.oauth.token.get": ApiMethod(
            "3.1", Use.SIGNS_IN, ("user_id", "user_pwd_md5", "expires_in")
        ),
        "jimi.oauth.token.refresh": ApiMethod(
            "3.2", Use.SIGNS_IN, ("refresh_token", "expires_in")
        ),
        "jimi.user.child.list": ApiMethod("manual", Use.READS, ("target",)),
        "jimi.user.device.list": ApiMethod("4.1", Use.READS, ("target",)),
        "jimi.track.device.detail": ApiMethod("4.2", Use.READS, ("imei",)),
        "jimi.user.device.expiration.update": ApiMethod(
            "4.3", Use.CHANGES, ("imei_list", "new_expiration")
        ),
        "jimi.open.device.update": ApiMethod(
            "4.4",
            Use.CHANGES,
            ("imei",),
            (
                "device_name",
                "vehicle_name",
                "vehicle_icon",
                "vehicle_number",
                "vehicle_models",
                "driver_name",
                "driver_phone",
                "device_status",
                "sim",
                "remarks",
                "oilWear",
                "deviceGroupId",
                "mileage",
            ),
        ),
        "jimi.open.device.move": ApiMethod(
            "4.5",
            Use.CHANGES,
            ("src_account", "dest_account", "imeis"),
            ("cleanBindFlag",),
        ),
        "jimi.open.device.bind": ApiMethod("4.6", Use.CHANGES, ("imei", "user_id")),
        "jimi.open.device.unbind": ApiMethod("4.7", Use.CHANGES, ("imei", "user_id")),
        "jimi.device.group.create": ApiMethod(
            "4.8", Use.CHANGES, ("account", "group_name")
        ),
        "jimi.device.group.update": ApiMethod(
            "4.9", Use.CHANGES, ("group_id", "group_name")
        ),
        "jimi.device.group.delete": ApiMethod("4.10", Use.CHANGES, ("group_id",)),
        "jimi.device.group.list": ApiMethod("4.11", Use.READS, ("account",)),
        "jimi.user.device.location.list": ApiMethod(
            "5.1", Use.READS, ("target",), ("map_type",)
        ),
        "jimi.device.location.get": ApiMethod(
            "5.2", Use.READS, ("imeis",), ("map_type",)
        ),
        "jimi.device.location.URL.share": ApiMethod("5.3", Use.READS, ("imei",)),
        "jimi.device.track.mileage": ApiMethod(
            "5.4",
            Use.READS,
            ("imeis", "begin_time", "end_time"),
            ("start_row", "page_size"),
        ),
        "jimi.device.track.list": ApiMethod(
            "5.5", Use.READS, ("imei", "begin_time", "end_time"), ("map_type",)
        ),
        "jimi.lbs.address.get": ApiMethod("5.6", Use.READS, ("imei",), ("lbs", "wifi")),
        "jimi.open.platform.report.parking": ApiMethod(
            "5.7", Use.READS, (*_REPORT, "start_row", "page_size", "acc_type")
        ),
        "jimi.device.location.getTagMsg": ApiMethod("5.8", Use.READS, ("imei",)),
        "jimi.device.alarm.list": ApiMethod(
            "6.1",
            Use.READS,
            (),
            (
                "imei",
                "imeis",
                "alertTypeId",
                "begin_time",
                "end_time",
                "page_no",
                "page_size",
            ),
        ),
        "jimi.device.obd.list": ApiMethod(
            "manual", Use.READS, (*_REPORT, "page_no", "page_size")
        ),
        "jimi.device.obd.fault": ApiMethod(
            "manual", Use.READS, (*_REPORT, "page_no", "page_size")
        ),
        "jimi.device.live.page.url": ApiMethod(
            "7.1", Use.READS, ("imei",), ("type", "voice")
        ),
        "jimi.device.meida.cmd.send": ApiMethod(
            "7.2", Use.CHANGES, ("imei", "camera", "mediaType"), ("shootTime",)
        ),
        "jimi.device.history.cmd.send": ApiMethod(
            "7.3", Use.CHANGES, ("imei", "type", "camera"), ("fileName", "time")
        ),
        "jimi.device.jimi.media.URL": ApiMethod(
            "7.4",
            Use.READS,
            ("imei", "camera", "media_type"),
            ("start_time", "end_time", "token", "page_no", "page_size"),
        ),
        "jimi.device.media.event.URL": ApiMethod(
            "7.5",
            Use.READS,
            ("imeis", "media_type", "start_time", "end_time", "page_no", "page_size"),
            ("event_type",),
        ),
        "jimi.device.media.live.stream": ApiMethod(
            "7.6", Use.READS, ("imei", "channel", "appId")
        ),
        "jimi.device.media.history.list.cmd": ApiMethod(
            "7.7", Use.READS, ("imei", "channel", "dateTime", "instructionId", "appId")
        ),
        "jimi.device.media.history.list.get": ApiMethod(
            "7.8", Use.READS, ("instructionId",)
        ),
        "jimi.device.media.history.stream": ApiMethod(
            "7.9",
            Use.READS,
            ("imei", "appId"),
            ("channal", "channel", "beginTime", "endTime", "fileNameList"),
        ),
        "jimi.device.media.close.stream": ApiMethod(
            "7.10", Use.READS, ("imei", "type", "appId"), ("channal", "channel")
        ),
        "jimi.open.instruction.list": ApiMethod("8.1", Use.READS, ("imei",)),
        "jimi.open.instruction.send": ApiMethod(
            "8.2", Use.STOPS, ("imei", "inst_param_json")
        ),
        "jimi.open.instruction.result": ApiMethod("8.3", Use.READS, ("imei",)),
        "jimi.open.instruction.raw.send": ApiMethod(
            "8.4", Use.STOPS, ("imei", "raw_cmd")
        ),
        "jimi.open.device.fence.create": ApiMethod(
            "9.1",
            Use.CHANGES,
            (
                "imei",
                "fence_name",
                "alarm_type",
                "report_mode",
                "alarm_switch",
                "lng",
                "lat",
                "radius",
                "zoom_level",
                "map_type",
            ),
        ),
        "jimi.open.device.fence.delete": ApiMethod(
            "9.2", Use.CHANGES, ("imei", "instruct_no")
        ),
        "jimi.open.platform.fence.create": ApiMethod(
            "9.3",
            Use.CHANGES,
            ("account", "fence_name", "fence_type", "geom"),
            ("fence_color", "radius", "description"),
        ),
        "jimi.open.platform.fence.delete": ApiMethod(
            "9.4", Use.CHANGES, ("account", "fence_id")
        ),
        "jimi.open.platform.fence.bind": ApiMethod(
            "9.5",
            Use.CHANGES,
            ("fence_id",),
            ("imeis", "alert_type", "stay_time_in", "stay_time_out"),
        ),
    }
)
"""The 41 methods of chapters 3 to 9, and three that only the manual has."""

INSTRUCTIONS: Mapping[str, tuple[Protocol, ApiMethod]] = MappingProxyType(
    {
        f"sendInstruct {protocol:d}": (
            protocol,
            ApiMethod("Appendix A", use, ("deviceImei", *fields)),
        )
        for protocol, use, fields in (
            (Protocol.TEXT, Use.STOPS, ("cmdContent",)),
            (
                Protocol.START_LIVE,
                Use.CHANGES,
                (
                    "dataType",
                    "codeStreamType",
                    "channel",
                    "videoIP",
                    "videoTCPPort",
                ),
            ),
            (Protocol.CONTROL_LIVE, Use.CHANGES, ("channel", "cmd", "dataType")),
            (
                Protocol.LIST_RECORDINGS,
                Use.READS,
                (
                    "channel",
                    "beginTime",
                    "endTime",
                    "alarmFlag",
                    "resourceType",
                    "instructionID",
                ),
            ),
            (
                Protocol.START_PLAYBACK,
                Use.CHANGES,
                (
                    "serverAddress",
                    "tcpPort",
                    "channel",
                    "beginTime",
                    "endTime",
                    "playMethod",
                    "instructionID",
                ),
            ),
            (Protocol.ACKNOWLEDGE_ALARM, Use.CHANGES, ("alarmSerialNo",)),
        )
    }
)
"""The six instructions of Appendix A, for an instruction host of one's own."""
