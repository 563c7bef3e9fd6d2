"""What users of Python's `influxdb` client do, against the server of argv; prints what they see as JSON lines."""
import json
import sys
from urllib.parse import urlparse

from influxdb import InfluxDBClient, SeriesHelper
from influxdb.exceptions import InfluxDBClientError

url = urlparse(sys.argv[1])
client = InfluxDBClient(host=url.hostname, port=url.port, database="py")


def show(*what):
    print(json.dumps(what, sort_keys=True, default=str))


def refused(call, *args, **more):
    try:
        call(*args, **more)
        return "done"
    except InfluxDBClientError as error:
        return [error.code, str(error.content).replace(" at line 1", "").strip()]


show("ping", bool(client.ping()))
client.create_database("py")
show(sorted(each["name"] for each in client.get_list_database() if each["name"] != "_internal"))
points = [
    {
        "measurement": "cpu",
        "tags": {"host": "a b", "region": "eu,1"},
        "time": 1700000000000 + i * 60000,
        "fields": {"usage": i / 4, "cores": i, "title": 'say "hi"', "on": i % 2 == 0},
    }
    for i in range(250)
]
show(client.write_points(points, time_precision="ms", batch_size=100, tags={"dc": "x"}))
show(client.write_points(["mem,host=b free=5i 1700000000", "mem,host=c free=7i 1700000060"], time_precision="s", protocol="line"))
# it escapes "=" in measurements, too
show(client.write_points([{"measurement": 'a=b "c", d', "tags": {"k=1": 'v "w"'}, "fields": {'f="g"': 1.5}, "time": 1}]))
show(client.query('SELECT * FROM "a=b \\"c\\", d"').raw)
show(refused(client.write_points, ["nonsense"], protocol="line"))
show(refused(client.write_points, ['mem,host=b free="text" 1700000000000000001'], protocol="line"))
# (the client cannot read chunks of MessagePack, of no server)
in_json = InfluxDBClient(host=url.hostname, port=url.port, database="py", headers={"Accept": "application/json"})
for asker in (client, in_json):
    for more in ({}, {"epoch": "ms"}):
        show(sorted(map(str, asker.query("SELECT usage, cores, title FROM cpu LIMIT 100", **more).get_points())))
chunks = in_json.query("SELECT usage, cores FROM cpu", chunked=True, chunk_size=30)
show([str(point) for chunk in chunks for point in chunk.get_points()])
show(client.query("SELECT mean(usage) FROM cpu GROUP BY host", epoch="s").raw)
show(client.query("SELECT free FROM mem WHERE host = $host", bind_params={"host": "b"}).raw)
show([list(each.get_points()) for each in client.query("SELECT count(usage) FROM cpu; SELECT max(free) FROM mem")])
show(refused(client.query, "SELECT mean(usage FROM cpu"), refused(client.query, "SELECT bogus(usage) FROM cpu"))
show(refused(client.query, "SELECT usage FROM cpu", database="nowhere"))
show(client.get_list_measurements(), client.get_list_series(), client.get_list_series(measurement="mem"))
client.create_retention_policy("year", "365d", 1, database="py", shard_duration="7d")
client.alter_retention_policy("year", database="py", duration="52w", default=False)
show(client.get_list_retention_policies("py"))
client.create_continuous_query("down", "SELECT mean(usage) INTO py.year.cpu_1h FROM cpu GROUP BY time(1h)", database="py", resample_opts="EVERY 1h FOR 2h")
show([each for each in client.get_list_continuous_queries() if "py" in each])
client.drop_continuous_query("down", database="py")
client.delete_series(measurement="mem", tags={"host": "b"})
show(client.get_list_series(measurement="mem"))
client.drop_retention_policy("year", database="py")
client.create_user("ann", "secret", admin=False)
client.grant_privilege("read", "py", "ann")
show([each for each in client.get_list_users() if each["user"] == "ann"], client.get_list_privileges("ann"))
client.set_user_password("ann", "other")
client.revoke_privilege("read", "py", "ann")
client.grant_admin_privileges("ann")
client.revoke_admin_privileges("ann")
client.drop_user("ann")
# what it asks for unless told otherwise, and what it is given
asked = client.request("query", params={"q": "SELECT last(cores) FROM cpu", "db": "py", "epoch": "ns"})
show(client._headers["Accept"], asked.headers["Content-Type"])
compressed = InfluxDBClient(host=url.hostname, port=url.port, database="py", gzip=True)
show(compressed.write_points([{"measurement": "gz", "time": i, "fields": {"v": float(i), "n": 2**53 + i, "mid": 2**40 + i}} for i in range(3)]))
show(compressed.query("SELECT v, n, mid FROM gz", epoch="ns").raw)
# it says that its statements are compressed, too: a POST without a body, q in the URL
compressed.create_database("zipped")
show(sorted(each["name"] for each in compressed.get_list_database() if each["name"] != "_internal"))
show(refused(compressed.query, "SELECT bogus(v) FROM gz", method="POST"))
compressed.create_retention_policy("year", "365d", 1, database="zipped")
show(compressed.get_list_retention_policies("zipped"))
compressed.drop_database("zipped")
show(client.query("SELECT v, n FROM gz; SELECT -v, n * 2 FROM gz", epoch="ns", raise_errors=False)[1].raw)
show(client.write(["gz v=9,n=9i 9"], params={"db": "py", "precision": "s", "consistency": "all"}, protocol="line"))
by_dsn = InfluxDBClient.from_dsn("influxdb://ann:other@%s:%d/py" % (url.hostname, url.port))
show(by_dsn.query("SELECT max(v) FROM gz WHERE v < $most", bind_params={"most": 5}, epoch="ms").raw)


class Row(SeriesHelper):
    class Meta:
        client = client
        series_name = "helped.{dc}"
        fields = ["load", "up"]
        tags = ["dc"]
        bulk_size = 2
        autocommit = True


for i in range(4):
    Row(dc="x", load=i / 2, up=i > 1, time=i)
show(client.query('SELECT * FROM "helped.x"', epoch="ns").raw, list(client.query("SHOW SERIES").get_points()))
show(client.query("DELETE FROM gz WHERE time < 2", method="POST").raw, client.query("SELECT v FROM gz", epoch="ns").raw)
show(client.query("SELECT sum(cores) INTO sums FROM cpu GROUP BY *", method="POST").raw, client.query("SELECT * FROM sums").raw)
client.drop_measurement("mem")
show(client.get_list_measurements())
client.drop_database("py")
