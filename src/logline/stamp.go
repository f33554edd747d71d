// SPDX-License-Identifier: LGPL-2.1-only

package logline

var months = [48]byte{
	'J', 'a', 'n', 0, 'F', 'e', 'b', 0, 'M', 'a', 'r', 0, 'A', 'p', 'r', 0, 'M', 'a', 'y', 0, 'J', 'u', 'n', 0,
	'J', 'u', 'l', 0, 'A', 'u', 'g', 0, 'S', 'e', 'p', 0, 'O', 'c', 't', 0, 'N', 'o', 'v', 0, 'D', 'e', 'c', 0,
}

// Stamp sets the time of the message, in seconds since 1970: UTC, as musl's syslog(3) has it. logd does not look at it.
//
//go:nosplit
//go:norace
func (m *Message) Stamp(seconds uint32) {
	month, day := date(seconds / 86400)
	name := uint32(month-1) * 4
	t := seconds % 86400
	end := m.end
	m.end = stampAt
	for i := uint32(0); i < 3; i++ {
		m.add(months[(name+i)%48])
	}
	m.add(' ')
	m.two(day, ' ')
	m.add(' ')
	m.two(t/3600, '0')
	m.add(':')
	m.two(t/60%60, '0')
	m.add(':')
	m.two(t%60, '0')
	m.end = end
}

//go:nosplit
//go:norace
func (m *Message) two(v uint32, fill byte) {
	if v >= 10 {
		fill = '0' + byte(v/10)
	}
	m.add(fill)
	m.add('0' + byte(v%10))
}

// date is the month and the day of it, days after the first day of 1970, until 2106. Years begin with March here, so that the leap day
// is their last; 2100 has none.
//
//go:nosplit
//go:norace
func date(days uint32) (month, day uint32) {
	const toMarch2100 = 47541 // from the first of January 1970
	days += 306               // to the first of March 1969
	if days >= toMarch2100+306 {
		days++ // as if it had had one
	}
	const fourYears = 4*365 + 1
	// the first of March 1968, from which four years end with a leap day
	days = (days + 365) % fourYears
	year := min(days/365, 3)
	n := days - 365*year
	month = (5*n + 2) / 153
	day = n - (153*month+2)/5 + 1
	if month < 10 {
		return month + 3, day
	}
	return month - 9, day
}
