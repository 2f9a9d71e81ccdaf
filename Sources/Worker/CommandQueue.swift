import Foundation

/// Values from the I/O thread to the compute thread, which sleeps while there are none.
///
/// `@unchecked Sendable`: every access to `values` is inside the condition's lock.
final class CommandQueue<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var values: [Value] = []

    func post(_ value: Value) {
        condition.lock()
        values.append(value)
        condition.signal()
        condition.unlock()
    }

    /// The next value if there is one.
    func poll() -> Value? {
        condition.lock()
        defer { condition.unlock() }
        return values.isEmpty ? nil : values.removeFirst()
    }

    /// The next value; sleeps until there is one.
    func wait() -> Value {
        condition.lock()
        defer { condition.unlock() }
        while values.isEmpty { condition.wait() }
        return values.removeFirst()
    }
}
