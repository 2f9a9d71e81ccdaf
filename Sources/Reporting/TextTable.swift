/// A table with a frame, drawn with characters alone.
public struct TextTable: Sendable {
    /// What the frame is drawn with.
    public enum Frame: Sendable {
        /// Line-drawing characters, for terminals that show UTF-8.
        case lines
        /// `+`, `-` and `|`.
        case ascii
    }

    private enum Row: Sendable {
        case cells([String])
        case rule
    }

    private let header: [String]
    private var rows: [Row] = []

    /// - Parameter header: one title a column; the first column is aligned left, the others right.
    public init(header: [String]) { self.header = header }

    /// Appends a row; missing cells are empty.
    public mutating func append(_ cells: [String]) { rows.append(.cells(cells)) }

    /// Appends a horizontal rule.
    public mutating func appendRule() { rows.append(.rule) }

    /// The table as lines of equal width.
    public func lines(_ frame: Frame) -> [String] {
        var widths = header.map(\.count)
        for case .cells(let cells) in rows {
            for (column, cell) in cells.enumerated() where column < widths.count {
                widths[column] = max(widths[column], cell.count)
            }
        }
        let pen = Pen(frame)
        var result = [pen.rule(widths, pen.top), pen.row(header, widths), pen.rule(widths, pen.middle)]
        for row in rows {
            switch row {
            case .cells(let cells): result.append(pen.row(cells, widths))
            case .rule: result.append(pen.rule(widths, pen.middle))
            }
        }
        return result + [pen.rule(widths, pen.bottom)]
    }

    private struct Pen {
        let horizontal: String
        let vertical: String
        let top: [String]
        let middle: [String]
        let bottom: [String]

        init(_ frame: Frame) {
            switch frame {
            case .lines:
                (horizontal, vertical) = ("─", "│")
                (top, middle, bottom) = (["┌", "┬", "┐"], ["├", "┼", "┤"], ["└", "┴", "┘"])
            case .ascii:
                (horizontal, vertical) = ("-", "|")
                (top, middle, bottom) = (["+", "+", "+"], ["+", "+", "+"], ["+", "+", "+"])
            }
        }

        func rule(_ widths: [Int], _ corners: [String]) -> String {
            corners[0] + widths.map { String(repeating: horizontal, count: $0 + 2) }.joined(separator: corners[1])
                + corners[2]
        }

        func row(_ cells: [String], _ widths: [Int]) -> String {
            let texts = widths.enumerated().map { column, width in
                let text = column < cells.count ? cells[column] : ""
                let space = String(repeating: " ", count: width - text.count)
                return column == 0 ? " \(text)\(space) " : " \(space)\(text) "
            }
            return vertical + texts.joined(separator: vertical) + vertical
        }
    }
}
