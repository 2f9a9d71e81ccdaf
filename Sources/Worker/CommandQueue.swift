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

    var isEmpty: Bool {
        condition.lock()
        defer { condition.unlock() }
        return values.isEmpty
    }

    /// The next value if there is one.
    func poll() -> Value? {
        condition.lock()
        defer { condition.unlock() }
        return values.isEmpty ? nil : values.removeFirst()
    }

    /// The next value; sleeps until there is one.
    /// - Parameter sleeping: called with true before sleeping, and with false afterwards.
    func wait(sleeping: (Bool) -> Void) -> Value {
        condition.lock()
        defer { condition.unlock() }
        if values.isEmpty {
            sleeping(true)
            while values.isEmpty { condition.wait() }
            sleeping(false)
        }
        return values.removeFirst()
    }
}
