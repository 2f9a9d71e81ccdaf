/// The version of this program; workers of another one are refused.
public enum Build {
    /// As in the change log.
    public static let version = "0.1.0"
}
