// SPDX-License-Identifier: LGPL-2.1-only

package blob

import "strconv"

// Text renders the content of a table in the manner of JSON, to be read by people: in logs and tests. What cannot be decoded ends
// it with the reason in angle brackets.
func Text(b []byte) string {
	d := NewFields(b)
	out := d.text(nil, '{', '}')
	if err := d.Err(); err != nil {
		out = append(out, " <"+err.Error()+">"...)
	}
	return string(out)
}

func (d *Decoder) text(out []byte, open, end byte) []byte {
	out = append(out, open)
	for first := true; d.Next(); first = false {
		if !first {
			out = append(out, ',')
		}
		if open == '{' {
			out = append(appendQuoted(out, d.Name()), ':')
		}
		switch d.Type() {
		case Table:
			out = d.Fields().text(out, '{', '}')
		case Array:
			out = d.Fields().text(out, '[', ']')
		case String:
			out = appendQuoted(out, d.Text())
		case Bool: // an Int8 is used for nothing else, and libubox prints it so
			out = strconv.AppendBool(out, d.Bool())
		case Int16, Int32, Int64:
			out = strconv.AppendInt(out, d.Int(), 10)
		case Double:
			out = strconv.AppendFloat(out, d.Double(), 'g', -1, 64)
		default:
			out = appendQuoted(out, string(d.Bytes()))
		}
	}
	return append(out, end)
}

// appendQuoted leaves valid UTF-8 as it is.
func appendQuoted(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			out = append(out, string(r)...)
		}
	}
	return append(out, '"')
}
