# SPDX-License-Identifier: LGPL-2.1-only
#
# report.awk turns the lines of timer, burst and idle (and of measure.sh: size, note) into tables, or with -v json=1 into JSON
# objects, one a line. Everything is a median or a 10th percentile (nearest rank); ratios are those of medians.

BEGIN {
	FS = "\t"
	rows = split("floor ours crun crun-nocg runc", row, " ")
	split("total start cpu rss", figure, " ")
}

function once(list, key, item) {
	if ((key, item) in known) return
	known[key, item] = 1
	list[key, ++count[key]] = item
}

function add(key, value) {
	values[key, ++n[key]] = value
}

$1 == "run" {
	once(set, "run", $2)
	for (i = 1; i <= 4; i++) add($2 SUBSEP $3 SUBSEP figure[i], $(i + 4))
}
$1 == "burst" { once(jobs, "burst", $5); add("burst" SUBSEP $5 SUBSEP $3, $6) }
$1 == "idle" {
	add("real" SUBSEP $3, $5)
	if ($6 != "-") add("charged" SUBSEP $3, $6)
	if ($7 == "-") next
	add("pss" SUBSEP $3, $7); add("private" SUBSEP $3, $8); add("threads" SUBSEP $3, $9)
}
$1 == "size" { once(binary, "size", $2); raw[$2] = $3; gz[$2] = $4; xz[$2] = $5; remark[$2] = $6 }
$1 == "note" { note[++notes] = $2 }

# pick gives the value at a fraction of the ordered values of a key; 0.5 is the median.
function pick(key, fraction, i, j, v, m) {
	m = n[key]
	for (i = 2; i <= m; i++) {
		v = values[key, i] + 0
		for (j = i - 1; j >= 1 && values[key, j] + 0 > v; j--) values[key, j + 1] = values[key, j]
		values[key, j + 1] = v
	}
	i = int(m * fraction)
	if (i < m * fraction) i++
	return values[key, i < 1 ? 1 : i]
}

function median(key) { return pick(key, 0.5) }

function ratio(a, b, f) {
	if (!n[a] || !n[b] || median(b) == 0) return f == "json" ? "null" : sprintf("%7s", "-")
	return sprintf(f == "json" ? "%.3f" : "%7.2f", median(a) / median(b))
}

function ms(key) { return sprintf("%8.2f%8.2f", median(key) / 1000, pick(key, 0.1) / 1000) }

function table(s, i, k, f, line) {
	printf "\n%s: %d interleaved rounds\n", s, n[s SUBSEP "ours" SUBSEP "total"]
	printf "%-11s%16s%16s%16s%9s%14s%14s%14s\n", "", "total ms", "to exec ms", "CPU ms", "peak", "total", "to exec", "CPU"
	printf "%-11s%8s%8s%8s%8s%8s%8s%9s", "", "median", "p10", "median", "p10", "median", "p10", "RSS KiB"
	printf "%7s%7s%7s%7s%7s%7s\n", "/floor", "/crun", "/floor", "/crun", "/floor", "/crun"
	for (i = 1; i <= rows; i++) {
		k = s SUBSEP row[i] SUBSEP
		if (!n[k "total"]) continue
		line = sprintf("%-11s%s%s%s%9d", row[i], ms(k "total"), ms(k "start"), ms(k "cpu"), median(k "rss"))
		for (f = 1; f <= 3; f++) {
			line = line ratio(k figure[f], s SUBSEP "floor" SUBSEP figure[f])
			line = line ratio(k figure[f], s SUBSEP "crun" SUBSEP figure[f])
		}
		print line
	}
}

function table_burst(i, j, k) {
	printf "\njails started at once, ms until the last payload runs (median, p10, ratio to floor and to crun)\n%-11s", ""
	for (j = 1; j <= count["burst"]; j++) printf "%30s", jobs["burst", j] " at once"
	print ""
	for (i = 1; i <= rows; i++) {
		k = "burst" SUBSEP jobs["burst", 1] SUBSEP row[i]
		if (!n[k]) continue
		printf "%-11s", row[i]
		for (j = 1; j <= count["burst"]; j++) {
			k = "burst" SUBSEP jobs["burst", j] SUBSEP
			printf "%s%s%s", ms(k row[i]), ratio(k row[i], k "floor"), ratio(k row[i], k "crun")
		}
		print ""
	}
}

function cell(key) { return n[key] ? sprintf("%10d", median(key)) : sprintf("%10s", "-") }

# more is what a row costs above the jail and payload alone: its supervisor.
function more(of, k) {
	if (k == "alone" || !n[of SUBSEP k]) return json ? "null" : sprintf("%12s", "-")
	return sprintf(json ? "%.1f" : "%12.1f", median(of SUBSEP k) - median(of SUBSEP "alone"))
}

function table_idle(i, k, of) {
	printf "\nidle supervisors: %d of each, %d interleaved rounds, KiB each\n", instances, n["real" SUBSEP "ours"]
	printf "%-11s%30s%24s%36s\n", "", "the supervisor's own", "charged", "MemAvailable"
	printf "%-11s%10s%10s%10s%12s%12s%12s%12s%12s\n", "", "PSS", "private", "threads", "all", "supervisor", "all", "supervisor", "(spread)"
	for (i = 0; i <= rows; i++) {
		k = i ? row[i] : "alone"
		of = "real" SUBSEP k
		if (!n[of]) continue
		printf "%-11s%s%s%s", k, cell("pss" SUBSEP k), cell("private" SUBSEP k), cell("threads" SUBSEP k)
		printf "%12s%s", n["charged" SUBSEP k] ? sprintf("%.1f", median("charged" SUBSEP k)) : "-", more("charged", k)
		printf "%12.1f%s%12s\n", median(of), more("real", k), sprintf("(%.0f)", pick(of, 1) - pick(of, 0))
	}
	print "  all: jail, payload, supervisor and what the kernel keeps for them. charged: to a memory control group, so the kernel's"
	print "  share only as far as it is accounted. MemAvailable: everything, but also what others on the machine do: useless if the"
	print "  spread (largest less smallest) is not small. alone: the floor's jail and payload with no supervisor; supervisor: what a"
	print "  row has above it. PSS is of the process's pages only. The payload of crun and runc may be charged elsewhere."
}

function table_size(i, b) {
	printf "\nbinary size, bytes\n%-11s%12s%12s%12s\n", "", "raw", "gzip -9", "xz -9e"
	for (i = 1; i <= count["size"]; i++) {
		b = binary["size", i]
		printf "%-11s%12d%12d%12d%s\n", b, raw[b], gz[b], xz[b], remark[b] == "" ? "" : "  " remark[b]
	}
}

function against(of, name, at) {
	return pick("plain" SUBSEP "ours" SUBSEP of, at) / pick("plain" SUBSEP name SUBSEP of, at)
}

function goal(what, of, name, limit, value) {
	value = against(of, name, 0.5)
	printf "%-39s %.3f (of p10: %.3f), goal <= %.1f: %s\n", what ":", value, against(of, name, 0.1), limit, \
		value <= limit ? "met" : "not met"
}

function json_goal(what, of, name, limit) {
	printf "{\"kind\":\"goal\",\"name\":\"%s\",\"value\":%.3f,\"of_p10\":%.3f,\"limit\":%.1f}\n", what, \
		against(of, name, 0.5), against(of, name, 0.1), limit
}

function json_rows(i, j, f, k, s) {
	for (j = 1; j <= count["run"]; j++) {
		for (i = 1; i <= rows; i++) {
			s = set["run", j]
			k = s SUBSEP row[i] SUBSEP
			if (!n[k "total"]) continue
			printf "{\"kind\":\"run\",\"set\":\"%s\",\"name\":\"%s\",\"rounds\":%d", s, row[i], n[k "total"]
			for (f = 1; f <= 4; f++)
				printf ",\"%s_%s\":{\"median\":%s,\"p10\":%s,\"to_floor\":%s,\"to_crun\":%s}", figure[f], f == 4 ? "kib" : "us", \
					median(k figure[f]), pick(k figure[f], 0.1), ratio(k figure[f], s SUBSEP "floor" SUBSEP figure[f], "json"), \
					ratio(k figure[f], s SUBSEP "crun" SUBSEP figure[f], "json")
			print "}"
		}
	}
	for (j = 1; j <= count["burst"]; j++) {
		for (i = 1; i <= rows; i++) {
			s = "burst" SUBSEP jobs["burst", j] SUBSEP
			k = s row[i]
			if (n[k])
				printf "{\"kind\":\"burst\",\"jobs\":%d,\"name\":\"%s\",\"rounds\":%d,\"last_us\":{\"median\":%s,\"p10\":%s,\"to_floor\":%s,\"to_crun\":%s}}\n", \
					jobs["burst", j], row[i], n[k], median(k), pick(k, 0.1), ratio(k, s "floor", "json"), ratio(k, s "crun", "json")
		}
	}
}

function number(key) { return n[key] ? median(key) : "null" }

function json_rest(i, k, b) {
	for (i = 0; i <= rows; i++) {
		k = i ? row[i] : "alone"
		if (n["real" SUBSEP k])
			printf "{\"kind\":\"idle\",\"name\":\"%s\",\"instances\":%d,\"pss_kib\":%s,\"private_kib\":%s,\"threads\":%s,\"charged_kib\":%s,\"supervisor_charged_kib\":%s,\"available_kib\":%s,\"supervisor_available_kib\":%s}\n", \
				k, instances, number("pss" SUBSEP k), number("private" SUBSEP k), number("threads" SUBSEP k), \
				number("charged" SUBSEP k), more("charged", k), number("real" SUBSEP k), more("real", k)
	}
	for (i = 1; i <= count["size"]; i++) {
		b = binary["size", i]
		printf "{\"kind\":\"size\",\"name\":\"%s\",\"raw\":%d,\"gzip\":%d,\"xz\":%d}\n", b, raw[b], gz[b], xz[b]
	}
	json_goal("to exec / floor", "start", "floor", 1.5)
	json_goal("total / crun", "total", "crun", 0.6)
	json_goal("total / crun-nocg", "total", "crun-nocg", 0.6)
}

END {
	if (!n["plain" SUBSEP "ours" SUBSEP "total"]) exit 1
	if (json) {
		json_rows()
		json_rest()
		exit
	}
	for (j = 1; j <= count["run"]; j++) table(set["run", j])
	if (count["burst"]) table_burst()
	if (n["real" SUBSEP "ours"]) table_idle()
	table_size()
	print ""
	for (j = 1; j <= notes; j++) print "note: " note[j]
	print ""
	goal("to exec / floor", "start", "floor", 1.5)
	goal("total / crun", "total", "crun", 0.6)
	goal("total / crun --cgroup-manager=disabled", "total", "crun-nocg", 0.6)
}
